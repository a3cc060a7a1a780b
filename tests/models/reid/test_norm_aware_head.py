"""The norm-aware embedding beside a literal version of its definition."""

import numpy as np
import pytest
import torch

from mmps.models.reid import NormAwareReIDHead, TripletReIDHead
from mmps.structures import BACKGROUND, UNLABELLED

OIM = {'type': 'mmps.OIMLoss', 'num_ids': 4, 'embedding_channels': 3, 'queue_size': 5}
IDS = torch.tensor([0, 2, UNLABELLED, BACKGROUND, BACKGROUND, 2])


def a_head(**changes):
    torch.manual_seed(0)
    head = NormAwareReIDHead(5, 3, loss=OIM, **changes).double()
    torch.nn.init.normal_(head.embedding.weight)
    with torch.no_grad():
        head.length_norm.weight.fill_(1.3)
        head.length_norm.bias.fill_(-0.2)
    return head, torch.randn(6, 5, dtype=torch.float64, requires_grad=True)


def test_the_length_is_a_score_and_the_direction_an_embedding():
    head, features = a_head()
    raw = head.embedding(features).detach().numpy()
    lengths = np.sqrt((raw**2).sum(1))
    scaled = 1.3 * (lengths - lengths.mean()) / np.sqrt(lengths.var() + 1e-5) - 0.2
    score = 1 / (1 + np.exp(-scaled))
    np.testing.assert_allclose(head(features).detach(), raw / lengths[:, None] * score[:, None])
    losses = head.loss(features, IDS)
    person = (IDS != BACKGROUND).numpy()
    expected = -np.where(person, np.log(score), np.log(1 - score)).mean()
    assert losses['loss_norm'].item() == pytest.approx(expected, abs=1e-9)
    twice = a_head(norm_weight=2.0)[0].loss(features, IDS)
    assert twice['loss_norm'].item() == pytest.approx(2 * expected, abs=1e-9)


def test_directions_learn_as_in_a_plain_head():
    head, features = a_head()
    plain = TripletReIDHead(5, 3, loss=OIM).double()
    plain.load_state_dict(head.state_dict(), strict=False)
    value = head.loss(features, IDS)['loss_oim']
    (ours,) = torch.autograd.grad(value, head.embedding.weight, retain_graph=True)
    (theirs,) = torch.autograd.grad(plain.loss(features, IDS)['loss_oim'], plain.embedding.weight)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('rows', [0, 1])
def test_batches_of_nobody_and_of_one_pass(rows):
    head, features = a_head()
    losses = head.loss(features[:rows], IDS[:rows])
    assert all(torch.isfinite(value).all() for value in losses.values())
    sum(value for key, value in losses.items() if key.startswith('loss')).backward()


def test_unweighted_embeddings_have_unit_length():
    head, features = a_head(weighted=False)
    torch.testing.assert_close(head.eval()(features).norm(dim=1), torch.ones(6).double())


def test_a_loss_may_see_embeddings_before_unit_length():
    torch.manual_seed(0)
    loss = {'type': 'mmps.CenterLoss', 'num_ids': 4, 'embedding_channels': 3}
    head = TripletReIDHead(5, 3, loss=loss, normalize_for_loss=False)
    features = torch.randn(3, 5)
    squares = head.embedding(features).square().sum(1)
    value = head.loss(features, torch.tensor([0, 1, 2]))['loss_center']
    torch.testing.assert_close(value, squares.mean() / 2)
    torch.testing.assert_close(head(features).norm(dim=1), torch.ones(3))
