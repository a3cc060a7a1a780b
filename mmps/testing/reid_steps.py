"""Training steps of a tiny model, with the same code in one process and in several."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.dist import get_world_size
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import Tensor
from torch.utils.data import DataLoader

from mmps.datasets.samplers import PKBatchSampler
from mmps.features.pooled_features import PooledFeatures

from .builders import packed_batch, people, tiny_searcher

BOXES = [[10, 10, 40, 90], [60, 20, 85, 80], [90, 5, 120, 90]]
Step = tuple[float, dict[str, Tensor]]


def reid_steps(loss: dict, data: dict[str, Any], **sampling: Any) -> list[Step]:
    """Train one epoch of phase 2 in float64 as the two-phase hook does, normalisation fixed.

    Args:
        loss: Config of the loss.
        data: ``ids`` ``(N,)`` and ``features`` ``(N, 32, 8, 4)``.
        **sampling: Arguments of the batch sampler.

    Returns:
        For each step the loss and the branch's weights after it.
    """
    model = reid_model(loss, 'reid').double()
    dataset = PooledFeatures(data['ids'].numpy(), {})
    dataset.open([data['features'][:, None].numpy()])
    sampler = PKBatchSampler(dataset.person_ids.numpy(), **sampling)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=_in_double)
    return _train(model, loader)


def joint_step(images: list[list[int]]) -> Step:
    """Run one step of the joint objective, whose re-ID loss is over all images of all ranks.

    Args:
        images: Identities of the people in each of this process's images.
    """
    model = reid_model({'type': 'mmps.BatchHardTripletLoss'}, 'joint')
    inputs, samples = packed_batch(len(images))
    for sample, ids in zip(samples, images, strict=True):
        _relabel(sample, ids)
    # All images are the same noise, so that it does not matter which process has which.
    batch = {'inputs': list(inputs[:1].expand_as(inputs)), 'data_samples': samples}
    return _train(model, [batch])[0]


def _relabel(sample: DetDataSample, ids: list[int]) -> None:
    sample.gt_instances = people(BOXES[: len(ids)], ids or None)


def reid_model(loss: dict, phase: str) -> Any:
    """Build the model, the same each time, in a phase and with normalisation fixed."""
    branch = {
        'pooling': {'output_size': (8, 4)},
        'stages': {'start_from': 'random'},
        'head': {'embedding_channels': 8, 'loss': loss},
    }
    model = tiny_searcher(3, reid_branch=branch)
    model.set_phase(phase)
    return model.eval()


def _train(model: Any, batches: Any) -> list[Step]:
    optimizer = torch.optim.SGD(model.reid_branch.parameters(), lr=1.0)
    trained = model
    if get_world_size() > 1:
        trained = MMDistributedDataParallel(model, broadcast_buffers=False)
    steps = []
    for batch in batches:
        logged = trained.train_step(batch, OptimWrapper(optimizer))
        weights = {name: p.detach().clone() for name, p in model.reid_branch.named_parameters()}
        name = model.reid_branch.head.losses.log_name
        steps.append((logged[name].item(), weights))
    return steps


def _in_double(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**batch, 'pooled': batch['pooled'].double()}
