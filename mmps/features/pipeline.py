"""Check on one image, before training, that a pipeline returns people as the cache needs them."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor

from mmps.structures import ConfigError

NAME = 'cached_people.dataset.pipeline'
RIGHT = 'LoadImageFromFile, Resize, LoadAnnotations, PackPersonSearchInputs'
PIXELS = 0.01
"""Boxes that differ by less are the same: their coordinates have single precision."""


def check_pipeline(dataset: Any, index: int) -> None:
    """Reject a pipeline that would cache features of other places than people's boxes.

    Args:
        dataset: Data set with a pipeline for tests.
        index: Index of an image with people, best one whose size differs from the network's input.

    Raises:
        ConfigError: The pipeline is not one for tests, or does not load identities.
    """
    data = dataset[index]
    sample = data.get('data_samples')
    people = getattr(sample, 'gt_instances', ())
    if 'person_ids' not in people or 'ann_indices' not in people:
        raise ConfigError(
            f'{NAME} does not load the identities of people: use LoadAnnotations with '
            'with_bbox=True and mmps.PackPersonSearchInputs'
        )
    if 'flip' in sample:
        raise ConfigError(
            f'{NAME} flips images, but not the boxes that are pooled in them: leave RandomFlip '
            'out, and set cached_people.mirror=True for mirrored views'
        )
    if 'scale_factor' not in sample:
        raise ConfigError(
            f'{NAME} does not record the scale_factor between image and network: add Resize '
            f'({RIGHT})'
        )
    _check_people(dataset.get_data_info(index)['instances'], sample)
    again = dataset[index]['inputs']
    if again.shape != data['inputs'].shape or not torch.equal(again, data['inputs']):
        raise ConfigError(
            f'{NAME} changes an image at random, but features are cached once: '
            f'remove random transforms ({RIGHT})'
        )


def _check_people(instances: list[dict], sample: DetDataSample) -> None:
    people, annotated = sample.gt_instances, [i for i in instances if not i['ignore_flag']]
    if people.ann_indices.tolist() != [person['ann_index'] for person in annotated]:
        raise ConfigError(
            f'{NAME} drops people of {sample.img_path}, for whom the cache has rows: remove '
            f'the transform that drops them ({RIGHT})'
        )
    boxes = torch.tensor([person['bbox'] for person in annotated], dtype=torch.float32)
    if (get_box_tensor(people.bboxes).cpu() - boxes).abs().max() > PIXELS:
        raise ConfigError(
            f'{NAME} returns boxes that are not in pixels of the image file, but would be scaled '
            f'again when they are pooled: put LoadAnnotations after Resize, as in tests ({RIGHT})'
        )
