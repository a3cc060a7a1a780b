"""Drawn data for timing: blank images with people at given places."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmps.benchmarks.forced_detections import people_on_a_grid
from mmps.features import CachedPeople
from mmps.files import write_json
from mmps.structures import PERSON_LABEL, xyxy_to_xywh

from .variants import empty_samples


@dataclass(frozen=True)
class Work:
    """Amount of training, caching and searching.

    Attributes:
        batch: Images per step of phase 1, and per pass of the cache.
        people: People per image.
        images: Number of images whose people are cached.
        identities: P of a batch of phase 2.
        shots: K of a batch of phase 2.
        gallery_size: Images per gallery of the evaluation.
    """

    batch: int = 2
    people: int = 5
    images: int = 8
    identities: int = 32
    shots: int = 4
    gallery_size: int = 100

    @property
    def boxes(self) -> int:
        """Return the number of boxes in a batch of phase 2."""
        return self.identities * self.shots


def drawn_batch(count: int, size: int, people: int) -> dict[str, list]:
    """Create a batch for detection training, as a loader collates it.

    Args:
        count: Number of images.
        size: Side of the square images in pixels.
        people: People per image.
    """
    generator = torch.Generator().manual_seed(0)
    boxes = people_on_a_grid(people, (size, size))
    samples: list[DetDataSample] = empty_samples(count, size)
    for sample in samples:
        sample.gt_instances = annotated(boxes)
        sample.ignored_instances = annotated(boxes[:0])
    shape = (count, 3, size, size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return {'inputs': list(images), 'data_samples': samples}


def annotated(boxes: Tensor) -> InstanceData:
    """Make ground truth of different people.

    Args:
        boxes: ``(N, 4)`` xyxy.
    """
    count = len(boxes)
    return InstanceData(
        bboxes=boxes,
        labels=torch.full((count,), PERSON_LABEL),
        person_ids=torch.arange(count),
        ann_indices=torch.arange(count),
    )


class LoadedPeople(CachedPeople):
    """Drawn people for the feature cache, with images that are loaded only once.

    Writing a cache then consists only of computing and storing.

    Args:
        folder: An existing, empty folder for images and annotations.
        size: Side of the square images in pixels.
        work: Numbers of images and people, and images per pass.
    """

    def __init__(self, folder: Path, size: int, work: Work) -> None:
        draw_set(folder, work.images, size, work.people)
        pipeline = [
            {'type': 'LoadImageFromFile', '_scope_': 'mmps'},
            {'type': 'Resize', 'scale': (size, size), 'keep_ratio': False},
            {'type': 'LoadAnnotations', 'with_bbox': True},
            {'type': 'mmps.PackPersonSearchInputs'},
        ]
        dataset = {
            'type': 'mmps.PersonSearchDataset',
            'data_root': str(folder),
            'ann_file': 'train.json',
            'pipeline': pipeline,
        }
        super().__init__(dataset, batch_size=work.batch, num_workers=0)
        self._loaded = {
            shard: list(super(LoadedPeople, self).batches([shard]))
            for shard in range(len(self.shards))
        }

    def batches(self, shards: list[int], epoch_seed: int = 0) -> list[dict]:
        """Return the loaded batches of some shards."""
        return [batch for shard in shards for batch in self._loaded[shard]]


def draw_set(folder: Path, count: int, size: int, people: int) -> None:
    """Write images and their annotations.

    Args:
        folder: Existing folder; receives ``train.json`` and ``<number>.jpg``.
        count: Number of images.
        size: Side of the square images in pixels.
        people: People per image, all of them labelled, nobody in two images.
    """
    rng = np.random.default_rng(0)
    boxes = xyxy_to_xywh(people_on_a_grid(people, (size, size))).tolist()
    images, annotations = [], []
    for image in range(count):
        coarse = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'{image}.jpg'), cv2.resize(coarse, (size, size)))
        images.append({'id': image, 'file_name': f'{image}.jpg', 'width': size, 'height': size})
        for box in boxes:
            number = len(annotations)
            annotations.append(
                {
                    'id': number, 'image_id': image, 'category_id': 1, 'bbox': box,
                    'area': box[2] * box[3], 'iscrowd': 0, 'person_id': number,
                }
            )  # fmt: skip
    categories = [{'id': 1, 'name': 'person'}]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    write_json(folder / 'train.json', content)
