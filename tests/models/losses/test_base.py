"""The contract of re-ID losses: who is in a batch, what is returned, losses from elsewhere."""

import pytest
import torch
from torch import nn

from mmps.models.losses.base import compute
from mmps.models.reid import TripletReIDHead
from mmps.structures import BACKGROUND, UNLABELLED, ConfigError

IDS = torch.tensor([0, UNLABELLED, 1, BACKGROUND, 0, -2])


class Remembers(nn.Module):
    """A plain loss with a weight that keeps what it was shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, embeddings, labels):
        self.seen = labels.tolist()
        return self.weight * embeddings.sum()


@pytest.mark.parametrize(
    ('uses', 'seen'),
    [
        ((), [0, 1, 0]),
        (('uses_unlabelled',), [0, UNLABELLED, 1, 0, -2]),
        (('uses_background',), [0, 1, BACKGROUND, 0]),
        (('uses_unlabelled', 'uses_background'), IDS.tolist()),
    ],
)
def test_a_loss_sees_whom_it_uses(uses, seen):
    loss = Remembers()
    for name in uses:
        setattr(loss, name, True)
    value, statistics = compute(loss, torch.ones(6, 2), IDS)
    assert loss.seen == seen
    assert value.item() == 2 * len(seen)
    assert statistics == {}


def test_a_batch_in_which_nobody_is_left_gives_zero_and_gradients_of_zero():
    loss, embeddings = Remembers(), torch.randn(2, 3, requires_grad=True)
    value, _ = compute(loss, embeddings, torch.tensor([UNLABELLED, BACKGROUND]))
    value.backward()
    assert value.item() == 0
    assert not embeddings.grad.any()
    assert loss.weight.grad.item() == 0
    assert not hasattr(loss, 'seen')


def test_a_loss_that_returns_no_scalar_is_rejected():
    with pytest.raises(ConfigError, match=r'must return a scalar, got \(3,\)'):
        compute(nn.CrossEntropyLoss(reduction='none'), torch.ones(3, 2), torch.tensor([0, 1, 1]))


@pytest.mark.parametrize('name', ['TripletMarginLoss', 'NTXentLoss', 'ProxyAnchorLoss'])
def test_losses_of_another_package_work_in_the_head(name):
    theirs = pytest.importorskip('pytorch_metric_learning.losses')
    config = {'type': f'pytorch_metric_learning.losses.{name}'}
    if name == 'ProxyAnchorLoss':
        config |= {'num_classes': 'auto', 'embedding_size': 'auto'}
    torch.manual_seed(0)
    head = TripletReIDHead(6, 4, loss=config)
    head.set_num_ids(3)
    features, ids = torch.randn(8, 6), torch.tensor([0, 0, 1, UNLABELLED, 1, 2, 2, UNLABELLED])
    logged = head.loss(features, ids)
    known = ids >= 0
    loss = head.losses.active
    assert type(loss) is getattr(theirs, name)
    expected = loss(head(features)[known], ids[known])
    torch.testing.assert_close(logged['loss_reid'], expected)
    logged['loss_reid'].backward()
    assert head.embedding.weight.grad.any()
    assert all(p.grad is not None for p in head.parameters())
