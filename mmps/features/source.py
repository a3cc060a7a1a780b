from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate, worker_init_fn
from mmengine.registry import DATASETS as ANY_DATASETS
from torch.utils.data import DataLoader

from mmps.structures import is_labelled, relabel

from .fingerprint import file_digest
from .pipeline import check_pipeline
from .views import Views


class FeatureSource:
    """The people whose features are cached: known from annotations, before any image is read.

    Rows are ordered by image, then by position in the annotation file. Images come in shards of
    equal number, and no batch spans two shards, so that a shard is the same bytes whoever computes
    it, and whenever.

    Args:
        dataset: Config of a :class:`PersonSearchDataset` with a test pipeline: annotations loaded
            after the resize, nothing random.
        batch_size: Images per batch.
        num_workers: Processes that load images.
        images_per_shard: Images whose people share a file.
        all_boxes: Whether unlabelled people are cached too, for losses that use them.
        mirror: See :class:`Views`.
        jitters: See :class:`Views`.
        jitter_scale: See :class:`Views`.

    Raises:
        ConfigError: The pipeline does not give people as the cache needs them.
    """

    def __init__(
        self,
        dataset: dict,
        batch_size: int = 8,
        num_workers: int = 2,
        images_per_shard: int = 256,
        all_boxes: bool = False,
        mirror: bool = False,
        jitters: int = 0,
        jitter_scale: float = 0.05,
    ) -> None:
        self.config = dataset
        self.dataset = ANY_DATASETS.build(
            {'leave_out_unusable': True, **dataset, 'test_mode': True}
        )
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.all_boxes = all_boxes
        self.views = Views(mirror, jitters, jitter_scale)
        self._list_people()
        self.shards = [
            self.images[start : start + images_per_shard]
            for start in range(0, len(self.images), images_per_shard)
        ]
        if self.images:
            check_pipeline(self.dataset, max(self.images, key=self._pixels))

    def _list_people(self) -> None:
        self.images: list[int] = []
        people: list[int] = []
        self._people_of: dict[int, int] = {}
        for index in range(len(self.dataset)):
            ids = [p['person_id'] for p in self.dataset.get_data_info(index)['instances']
                   if not p['ignore_flag']]  # fmt: skip
            kept = np.array(ids, dtype=np.int64)
            kept = kept if self.all_boxes else kept[is_labelled(kept)]
            if len(kept):
                self.images.append(index)
                self._people_of[index] = len(kept)
                people.extend(kept.tolist())
        self.person_ids, self.original_ids = relabel(np.array(people, dtype=np.int64))

    def _pixels(self, index: int) -> int:
        info = self.dataset.get_data_info(index)
        return info['width'] * info['height']

    def __len__(self) -> int:
        """People."""
        return len(self.person_ids)

    def people_in(self, shard: int) -> int:
        """Count the rows of a shard."""
        return sum(self._people_of[index] for index in self.shards[shard])

    def batches(self, shards: list[int], epoch_seed: int = 0) -> DataLoader:
        """Load the images of some shards.

        Args:
            shards: Which, in the wanted order.
            epoch_seed: Seed of the worker processes.

        Returns:
            A loader whose batches never span two shards.
        """
        batches = [
            self.shards[shard][start : start + self.batch_size]
            for shard in shards
            for start in range(0, len(self.shards[shard]), self.batch_size)
        ]
        seeding = partial(worker_init_fn, num_workers=self.num_workers, rank=0, seed=epoch_seed)
        return DataLoader(
            self.dataset,
            batch_sampler=batches,
            num_workers=self.num_workers,
            collate_fn=pseudo_collate,
            worker_init_fn=seeding,
        )

    def kept(self, people: Any) -> torch.Tensor:
        """Tell which of an image's ``gt_instances`` are cached: ``(N,)`` booleans."""
        return (
            torch.ones_like(people.labels, dtype=torch.bool)
            if self.all_boxes
            else is_labelled(people.person_ids)
        )

    def fingerprint(self) -> dict[str, Any]:
        """Describe all that the rows and their order depend on."""
        config = {key: value for key, value in self.config.items() if key not in ('ann_file',)}
        return {
            'annotations': file_digest(self.dataset.ann_file),
            'dataset': json.loads(json.dumps(config, sort_keys=True, default=str)),
            'all_boxes': self.all_boxes,
            'people': len(self),
            'views': [self.views.mirror, self.views.jitters, self.views.jitter_scale],
            'shards': [len(self.shards), len(self.shards[0]) if self.shards else 0],
            'batch_size': self.batch_size,
        }
