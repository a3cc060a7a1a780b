from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate, worker_init_fn
from mmengine.fileio import get_local_path
from mmengine.registry import DATASETS as ANY_DATASETS
from torch.utils.data import DataLoader

from mmps.digests import file_digest, files_digest
from mmps.structures import ConfigError, IdentityMap, is_labelled

from .pipeline import check_pipeline
from .views import Views


class CachedPeople:
    """The people whose features are cached: known from annotations, before any image is read.

    Rows are ordered by image, then by position in the annotation file. Shards have equal numbers of
    images, and no batch spans two shards, so that the bytes of a shard do not depend on the rank
    or the time of its computation.

    Args:
        dataset: Config of a :class:`PersonSearchDataset` with a test pipeline: annotations loaded
            after the resize, nothing random. Or of a ``ConcatDataset`` of several, whose
            identities are numbered consecutively.
        batch_size: Images per batch.
        num_workers: Processes that load images.
        images_per_shard: Images whose people share a file.
        all_boxes: Whether unlabelled people are cached too, for losses that learn from them.
        mirror: See :class:`Views`.
        jitters: See :class:`Views`.
        jitter_scale: See :class:`Views`.

    Raises:
        ConfigError: The data set is of another kind, or its pipeline does not return people as the
            cache needs them.
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
        self.dataset = ANY_DATASETS.build(_as_tested(dataset))
        self.parts = _parts(self.dataset)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.all_boxes = all_boxes
        self.views = Views(mirror, jitters, jitter_scale)
        self._list_people()
        self.shards = [
            self.images[start : start + images_per_shard]
            for start in range(0, len(self.images), images_per_shard)
        ]

    def _list_people(self) -> None:
        self.images: list[int] = []
        self.image_paths: list[str] = []
        self._people_of: dict[int, int] = {}
        ids: list[int] = []
        spaces: list[int] = []
        first = 0
        for part in self.parts:
            shown = {}
            for index in range(len(part)):
                info = part.get_data_info(index)
                kept = [p['person_id'] for p in info['instances'] if self._is_kept(p)]
                if kept:
                    shown[index] = info['width'] * info['height']
                    self.images.append(first + index)
                    self.image_paths.append(info['img_path'])
                    self._people_of[first + index] = len(kept)
                    ids.extend(kept)
                    # A data set of another class may have no identity space: it gets its own.
                    spaces.extend([info.get('identity_space', first)] * len(kept))
            if shown:
                check_pipeline(part, max(shown, key=shown.get))
            first += len(part)
        self.identities = IdentityMap(np.array(ids, dtype=np.int64), spaces)
        self.person_ids = self.identities.numbers
        self.original_ids = self.identities.original_ids

    def _is_kept(self, person: dict) -> bool:
        return not person['ignore_flag'] and (self.all_boxes or is_labelled(person['person_id']))

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.person_ids)

    def rows_in(self, shard: int) -> int:
        """Count the rows of a shard."""
        return sum(self._people_of[index] for index in self.shards[shard])

    def batches(self, shards: list[int], epoch_seed: int = 0) -> DataLoader:
        """Load the images of some shards.

        Args:
            shards: Numbers of the shards, in the desired order.
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
        """Return which of an image's ``gt_instances`` are cached: ``(N,)`` booleans."""
        return (
            torch.ones_like(people.labels, dtype=torch.bool)
            if self.all_boxes
            else is_labelled(people.person_ids)
        )

    def fingerprint(self) -> dict[str, Any]:
        """Return everything that the rows and their order depend on."""
        config = _without_files(self.config)
        return {
            'annotations': [_annotations_digest(part) for part in self.parts],
            'images': files_digest(self.image_paths),
            'dataset': json.loads(json.dumps(config, sort_keys=True, default=str)),
            'all_boxes': self.all_boxes,
            'people': len(self),
            'views': [self.views.mirror, self.views.jitters, self.views.jitter_scale],
            'shards': [len(self.shards), len(self.shards[0]) if self.shards else 0],
            'batch_size': self.batch_size,
        }


def _annotations_digest(part: Any) -> str:
    with get_local_path(part.ann_file, backend_args=part.backend_args) as path:
        return file_digest(path)


def _as_tested(config: dict) -> dict:
    if 'datasets' in config:
        return {**config, 'datasets': [_as_tested(part) for part in config['datasets']]}
    if 'dataset' in config:
        raise ConfigError(
            f'cached_people.dataset.type={config["type"]!r} shows images more than once or in '
            'parts, but every person is cached once: use mmps.PersonSearchDataset, or a '
            'ConcatDataset of several'
        )
    return {'leave_out_unusable': True, **config, 'test_mode': True}


def _parts(dataset: Any) -> list[Any]:
    """List the data sets with a file each, in the order of their images."""
    joined = getattr(dataset, 'datasets', None)
    return [leaf for part in joined for leaf in _parts(part)] if joined else [dataset]


def _without_files(config: dict) -> dict:
    """Remove the paths of annotation files: their content is part of the fingerprint instead."""
    parts = {'datasets': [_without_files(part) for part in config.get('datasets', ())]}
    kept = {key: value for key, value in config.items() if key != 'ann_file'}
    return {**kept, **parts} if parts['datasets'] else kept
