"""The head alone, and behind a small model of somebody else."""

import copy

import pytest
import torch
from mmengine.model import BaseModel
from torch import nn

from mmps.models.reid import BNNeck, TripletReIDHead
from mmps.registry import MODELS

IDS = torch.arange(12) // 3


class Crops(BaseModel):
    """A plain model of MMEngine on person crops."""

    def __init__(self, head):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = MODELS.build({'in_channels': 8, **head})

    def forward(self, inputs, person_ids=None, mode='tensor'):
        vectors = self.body(inputs).flatten(1)
        return self.head.loss(vectors, person_ids) if mode == 'loss' else self.head(vectors)


@pytest.mark.parametrize('margin', [0.3, 'soft'])
def test_a_plain_model_learns_crops_by_heart(margin):
    torch.manual_seed(0)
    loss = {'type': 'mmps.BatchHardTripletLoss', 'margin': margin}
    model = Crops({'type': 'mmps.TripletReIDHead', 'embedding_channels': 4, 'loss': loss})
    nn.init.xavier_normal_(model.head.embedding.weight)
    people = torch.rand(4, 3, 16, 8).repeat_interleave(3, 0) + 0.1 * torch.rand(12, 3, 16, 8)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    values = []
    for _ in range(40):
        losses = model(people, IDS, mode='loss')
        optimizer.zero_grad()
        losses['loss_triplet'].backward()
        optimizer.step()
        values.append(losses['loss_triplet'].item())
    assert values[-1] < 0.7 * values[0]
    embeddings = model(people)
    assert embeddings.shape == (12, 4)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(12))


def test_what_is_logged():
    head = TripletReIDHead(6, 4, normalize=False)
    losses = head.loss(torch.randn(12, 6), IDS)
    assert {k for k in losses if k.startswith('loss')} == {'loss_triplet'}
    embeddings = head(torch.randn(0, 6))
    assert embeddings.shape == (0, 4)
    expected = {'active_triplets', 'positive_distance', 'negative_distance'}
    assert expected | {'embedding_norm', 'embedding_spread'} == set(losses) - {'loss_triplet'}


def test_collapse_is_told_once(mm_log):
    head = TripletReIDHead(6, 4)
    equal = torch.ones(12, 6) + 1e-6 * torch.rand(12, 6)
    head.loss(equal, IDS)
    head.loss(equal, IDS)
    assert mm_log.text.count('training has collapsed') == 1


def test_neck_standardises_embeddings_before_they_get_unit_length():
    head = TripletReIDHead(6, 4, neck={'type': 'mmps.BNNeck'}, normalize=False).train()
    assert isinstance(head.neck, BNNeck)
    features = 100 + torch.randn(64, 6)
    embeddings = head(features)
    torch.testing.assert_close(embeddings.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    before = copy.deepcopy(head.neck.bias)
    head.loss(features, torch.arange(64) // 4)['loss_triplet'].backward()
    assert head.neck.bias.grad is None
    assert head.neck.weight.grad is not None
    assert torch.equal(head.neck.bias, before)
    statistics = head.neck.running_mean.clone()
    head.eval()(features)
    assert torch.equal(head.neck.running_mean, statistics)


def test_the_plain_head_has_no_further_weights():
    assert set(TripletReIDHead(6, 4).state_dict()) == {'embedding.weight', 'embedding.bias'}
