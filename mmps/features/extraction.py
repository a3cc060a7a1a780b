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

from mmps.structures import image_to_network

from .source import FeatureSource
from .views import mirrored


def pooled_shards(model: Any, source: FeatureSource, shards: list[int]) -> Iterator[np.ndarray]:
    """Compute the pooled features of some shards.

    Args:
        model: A person-search model: ``data_preprocessor`` and ``pool``.
        source: The people.
        shards: Which shards.

    Yields:
        Arrays ``(rows, views, C, h, w)``, one for each shard, in float32.
    """
    was_training = model.training
    model.eval()
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not is_main_process()) as progress:
        task = progress.add_task('Features', total=sum(len(source.shards[s]) for s in shards))
        loader = iter(source.batches(shards))
        for shard in shards:
            rows, images = [], 0
            while images < len(source.shards[shard]):
                data = next(loader)
                rows.append(pool_batch(model, source, data).float().cpu().numpy())
                images += len(data['inputs'])
                progress.advance(task, len(data['inputs']))
            yield np.concatenate(rows)
    model.train(was_training)


@torch.no_grad()
def pool_batch(model: Any, source: FeatureSource, data: dict) -> Tensor:
    """Pool all views of all people of a batch of images.

    Args:
        model: A person-search model.
        source: The people and their views.
        data: A collated batch of a test pipeline.

    Returns:
        ``(rows, views, C, h, w)``.
    """
    data = model.data_preprocessor(data, False)
    inputs, samples = data['inputs'], data['data_samples']
    boxes, owners = [], []
    for index, sample in enumerate(samples):
        people = sample.gt_instances[source.kept(sample.gt_instances)]
        views = source.views.displaced(
            get_box_tensor(people.bboxes).cpu().float(), people.ann_indices.cpu()
        )
        boxes.append(image_to_network(views.to(inputs.device), sample.scale_factor))
        owners.append(torch.full((len(people),), float(index), device=inputs.device))
    views, owner = torch.cat(boxes), torch.cat(owners)
    passes = [_pool(model, inputs, views, owner)]
    if source.views.mirror:
        passes.append(_pool(model, inputs.flip(3), mirrored(views, inputs.shape[3]), owner))
    return torch.cat(passes, dim=1)


def _pool(model: Any, inputs: Tensor, views: Tensor, owner: Tensor) -> Tensor:
    people, count = views.shape[:2]
    rois = torch.cat([owner.repeat_interleave(count)[:, None], views.reshape(-1, 4)], dim=1)
    pooled = model.pool(inputs, rois)
    return pooled.reshape(people, count, *pooled.shape[1:])
