"""Batch-hard triplets beside pytorch-metric-learning's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mmps.models.losses import BatchHardTripletLoss
from mmps.structures import UserError

from .timing import interleaved

Loss = Callable[[Tensor, Tensor], Tensor]
OURS, PEER = 'mmps', 'pytorch-metric-learning'
SHOTS = 4
MARGIN = 0.3


def measure_losses(
    batch: int, channels: int, device: str, repeats: int, warm_up: int
) -> dict[str, float]:
    """Time a forward and backward pass of both losses, in turn.

    Args:
        batch: Embeddings, four of each person.
        channels: Size of an embedding.
        device: Device of the losses.
        repeats: Rounds that count.
        warm_up: Rounds before them.

    Returns:
        Median milliseconds of :data:`OURS` and :data:`PEER`.

    Raises:
        UserError: The batch is too small, or pytorch-metric-learning is not installed.
    """
    if batch < 2 * SHOTS:
        raise UserError(f'--batch must be at least {2 * SHOTS}, not {batch}')
    torch.manual_seed(0)
    embeddings = torch.randn(batch, channels, device=device)
    ids = torch.arange(batch, device=device) // SHOTS
    losses = {OURS: BatchHardTripletLoss(MARGIN), PEER: peer_loss()}
    jobs = {name: pass_of(loss, embeddings, ids) for name, loss in losses.items()}
    seconds = interleaved(jobs, repeats, warm_up)
    return {name: 1e3 * float(np.median(times)) for name, times in seconds.items()}


def pass_of(loss: Loss, embeddings: Tensor, ids: Tensor) -> Callable[[], None]:
    """Build a job that computes a loss and its gradients."""
    leaf = embeddings.clone().requires_grad_()

    def job() -> None:
        leaf.grad = None
        loss(leaf, ids).backward()

    return job


def peer_loss() -> Loss:
    """Build the other library's loss with the same definition.

    Raises:
        UserError: pytorch-metric-learning is not installed.
    """
    try:
        from pytorch_metric_learning import distances, losses, miners, reducers
    except ImportError as error:
        raise UserError(
            'pytorch-metric-learning is not installed: pip install pytorch-metric-learning'
        ) from error
    euclidean = distances.LpDistance(normalize_embeddings=False)
    mine = miners.BatchHardMiner(distance=euclidean)
    mean = reducers.MeanReducer()
    loss = losses.TripletMarginLoss(margin=MARGIN, distance=euclidean, reducer=mean)
    return lambda embeddings, ids: loss(embeddings, ids, mine(embeddings, ids))
