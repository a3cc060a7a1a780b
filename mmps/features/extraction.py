"""From a detector and images to pooled features: the work that a cache saves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.dist import is_main_process
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from .people import CachedPeople


def pooled_shards(model: Any, people: CachedPeople, shards: list[int]) -> Iterator[np.ndarray]:
    """Compute the pooled features of some shards.

    Args:
        model: A person-search model: ``data_preprocessor``, ``source`` and ``pool``.
        people: The people whose features are computed.
        shards: Numbers of the shards.

    Yields:
        Arrays ``(rows, views, C, h, w)``, one for each shard, in float32.
    """
    was_training = model.training
    model.eval()
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not is_main_process()) as progress:
        task = progress.add_task('Features', total=sum(len(people.shards[s]) for s in shards))
        loader = iter(people.batches(shards))
        for shard in shards:
            rows, images = [], 0
            while images < len(people.shards[shard]):
                data = next(loader)
                rows.append(pool_batch(model, people, data).float().cpu().numpy())
                images += len(data['inputs'])
                progress.advance(task, len(data['inputs']))
            yield np.concatenate(rows)
    model.train(was_training)


@torch.no_grad()
def pool_batch(model: Any, people: CachedPeople, data: dict) -> Tensor:
    """Pool all views of all people of a batch of images.

    Args:
        model: A person-search model.
        people: The people and their views.
        data: A collated batch of a test pipeline.

    Returns:
        ``(rows, views, C, h, w)``.
    """
    data = model.data_preprocessor(data, False)
    inputs, samples = data['inputs'], data['data_samples']
    boxes = []
    for sample in samples:
        shown = sample.gt_instances[people.kept(sample.gt_instances)]
        views = people.views.displaced(
            get_box_tensor(shown.bboxes).cpu().float(), shown.ann_indices.cpu()
        )
        boxes.append(views.to(inputs.device))
    passes = [_pool(model, inputs, samples, boxes, mirror=False)]
    if people.views.mirror:
        passes.append(_pool(model, inputs, samples, boxes, mirror=True))
    return torch.cat(passes, dim=1)


def _pool(model: Any, inputs: Tensor, samples: list, boxes: list[Tensor], mirror: bool) -> Tensor:
    placed = [
        model.source.place(views.flatten(0, 1), sample, mirror)
        for views, sample in zip(boxes, samples, strict=True)
    ]
    owner = [rows.new_full((len(rows), 1), index) for index, rows in enumerate(placed)]
    rois = torch.cat([torch.cat(owner), torch.cat(placed)], dim=1)
    pooled = model.pool(inputs, rois, samples, mirror)
    return pooled.reshape(-1, boxes[0].shape[1], *pooled.shape[1:])
