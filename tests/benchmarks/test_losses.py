from __future__ import annotations

import sys

import pytest
import torch

from mmps.benchmarks.losses import MARGIN, OURS, PEER, measure_losses, pass_of, peer_loss
from mmps.models.losses import BatchHardTripletLoss
from mmps.structures import UserError


def test_both_losses_are_the_same():
    pytest.importorskip('pytorch_metric_learning')
    torch.manual_seed(0)
    embeddings, ids = torch.randn(24, 8), torch.arange(24) // 4
    ours = BatchHardTripletLoss(MARGIN)(embeddings, ids)
    assert float(ours) == pytest.approx(float(peer_loss()(embeddings, ids)), rel=1e-5)
    found = measure_losses(16, 8, 'cpu', repeats=2, warm_up=0)
    assert min(found[OURS], found[PEER]) > 0


def test_a_pass_has_gradients_of_its_own():
    seen = []

    def loss(embeddings, ids):
        seen.append(embeddings.grad)
        return embeddings.sum()

    job = pass_of(loss, torch.ones(2, 2), torch.zeros(2))
    job()
    job()
    assert seen == [None, None]


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(UserError, match='--batch must be at least 8, not 7'):
        measure_losses(7, 8, 'cpu', 1, 0)
    monkeypatch.setitem(sys.modules, 'pytorch_metric_learning', None)
    with pytest.raises(UserError, match='pip install pytorch-metric-learning'):
        peer_loss()
