"""The fields of data samples that a person-search model reads and writes.

In data samples at test time boxes are in pixels of the image file; what is pooled may be as large
as the network's input. Here they cross over.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from mmps.structures import PERSON_LABEL, ConfigError

FIELDS = ('pred_instances', 'gt_instances', 'query_instances')
"""Fields of a data sample whose boxes get embeddings at test time, where present."""


def keep_people(samples: list[DetDataSample], min_score: float = 0.0) -> list[DetDataSample]:
    """Drop what a detector of more classes found beside people, and people that score too little.

    Args:
        samples: From a detector's ``predict``; changed in place. People are class 0, in COCO's 80
            classes as in the annotations that train a detector here.
        min_score: Smallest score that is kept.
    """
    for sample in samples:
        found = sample.pred_instances
        people = (found.labels == PERSON_LABEL) & (found.scores >= min_score)
        if not people.all():
            sample.pred_instances = found[people]
    return samples


def instances_to_embed(samples: list[DetDataSample]) -> list[tuple[int, InstanceData]]:
    """List everybody in a batch who needs an embedding.

    Returns:
        Pairs of the image's index in the batch and instances with ``bboxes``.
    """
    return [
        (index, sample.get(field))
        for index, sample in enumerate(samples)
        for field in FIELDS
        if field in sample and 'bboxes' in sample.get(field)
    ]


def refuse_mirrored(samples: list[DetDataSample]) -> None:
    """Refuse a test of mirrored images: boxes of people and queries are of unmirrored ones.

    Raises:
        ConfigError: A pipeline has mirrored an image.
    """
    if any(sample.get('flip') for sample in samples):
        raise ConfigError(
            'the test pipeline mirrors images (RandomFlip, or --tta), in which people and queries '
            'are elsewhere than annotated, and merged boxes have no embeddings: search is tested '
            'without; leave it out'
        )


def inference_rois(
    instances: list[tuple[int, InstanceData]],
    samples: list[DetDataSample],
    place: Callable[[Tensor, DetDataSample], Tensor],
    like: Tensor,
) -> Tensor:
    """Collect boxes in image pixels as RoIs of one pooling pass.

    Args:
        instances: From :func:`instances_to_embed`.
        samples: The batch.
        place: Moves boxes of a sample from image pixels to those of what is pooled.
        like: Any tensor with the wanted device.

    Returns:
        ``(N, 5)`` (image index, x1, y1, x2, y2) in pixels of what is pooled.
    """
    rois = [like.new_zeros(0, 5, dtype=torch.float32)]
    for index, people in instances:
        boxes = get_box_tensor(people.bboxes).to(like.device, torch.float32)
        boxes = place(boxes, samples[index])
        rois.append(torch.cat([boxes.new_full((len(boxes), 1), index), boxes], dim=1))
    return torch.cat(rois)


def write_embeddings(instances: list[tuple[int, InstanceData]], embeddings: Tensor) -> None:
    """Hand the rows of ``(N, D)`` embeddings back to the instances they were made for."""
    parts = embeddings.split([len(people) for _, people in instances])
    for (_, people), part in zip(instances, parts, strict=True):
        people.embeddings = part
