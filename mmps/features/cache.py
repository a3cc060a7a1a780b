from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, barrier, get_dist_info
from mmengine.logging import MMLogger

from mmps.digests import digest
from mmps.files import remove_abandoned, write_atomically
from mmps.structures import UserError

from .people import CachedPeople
from .shards import open_shard, shard_fault, write_shard

DTYPES = {'float16': 'float16', 'float32': 'float32', 'bfloat16': 'int16', 'uint8': 'uint8'}
"""What NumPy stores for each: it has no bfloat16, so 16-bit integers hold its bits. Bytes are for
the crops of the disjoint baseline, which are pixels."""


class FeatureCache:
    """A folder of pooled features, computed once per detector and data set, never used stale.

    The folder's name is the fingerprint of everything that the features depend on. Other weights,
    another annotation file or another pooled size therefore lead to another folder. Each shard is
    an array ``(rows, views, C, h, w)`` followed by a checksum. Complete shards are kept when a
    killed run resumes.

    Args:
        root: Folder of all caches.
        people: The people whose features are cached.
        model_fingerprint: Digest of weights and settings of the network's shared part.
        shape: (C, h, w) of a pooled feature.
        dtype: A key of ``DTYPES``.
        setting: Name of the user's setting that chooses ``root``, for messages.

    Raises:
        UserError: ``dtype`` is not a key of ``DTYPES``.
    """

    def __init__(
        self,
        root: str | Path,
        people: CachedPeople,
        model_fingerprint: dict[str, Any],
        shape: tuple[int, int, int],
        dtype: str = 'float16',
        setting: str = '`root`',
    ) -> None:
        if dtype not in DTYPES:
            raise UserError(f'cache dtype {dtype!r} must be one of {", ".join(DTYPES)}')
        self.people, self.setting = people, setting
        self.dtype_name, self.dtype = dtype, np.dtype(DTYPES[dtype])
        self.row_shape = (len(people.views), *shape)
        self.parts = {
            'model': model_fingerprint,
            'source': _of_all_ranks(people.fingerprint()),
            'row': [*self.row_shape],
            'dtype': dtype,
            'format': 2,
        }
        self.folder = Path(root) / digest(self.parts)[:16]

    @property
    def size(self) -> int:
        """Return the size in bytes on disk."""
        return len(self.people) * int(np.prod(self.row_shape)) * self.dtype.itemsize

    def shard_path(self, shard: int) -> Path:
        """Return the path of a shard."""
        return self.folder / f'shard_{shard:05d}.npy'

    def fill(self, compute: Callable[[list[int]], Any]) -> None:
        """Compute the shards that are missing or damaged, each rank its share.

        Args:
            compute: Takes shard numbers and yields, in their order, arrays
                ``(rows, views, C, h, w)``.

        Raises:
            UserError: The disk is too small, or the folder cannot be written.
        """
        rank, world_size = get_dist_info()
        missing = self._missing(rank, world_size)
        self._announce(missing)
        # No rank writes before all ranks have checked whether the disk is large enough.
        barrier()
        mine = missing[rank::world_size]
        for shard, rows in zip(mine, compute(mine) if mine else (), strict=True):
            self._write(shard, rows)
        barrier()

    def open(self) -> list[np.ndarray]:
        """Map all shards into memory; call :meth:`fill` first."""
        return [open_shard(self.shard_path(s)) for s in range(len(self.people.shards))]

    def _missing(self, rank: int, world_size: int) -> list[int]:
        """Check all shards, each rank its share: another run may be writing, and all must agree."""
        checked = range(rank, len(self.people.shards), world_size)
        faults = {s: fault for s in checked if (fault := shard_fault(self.shard_path(s)))}
        faults = {
            shard: fault for part in all_gather_object(faults) for shard, fault in part.items()
        }
        for shard in sorted(faults):
            if faults[shard] != 'is missing':
                MMLogger.get_current_instance().warning(
                    '%s %s: it is computed again', self.shard_path(shard), faults[shard]
                )
        return sorted(faults)

    def _stored(self, rows: np.ndarray) -> np.ndarray:
        if self.dtype_name == 'bfloat16':
            return torch.from_numpy(rows).bfloat16().view(torch.int16).numpy()
        if self.dtype_name == 'uint8':
            rows = rows.round().clip(0, 255)
        return rows.astype(self.dtype)

    def _write(self, shard: int, rows: np.ndarray) -> None:
        try:
            write_shard(self.shard_path(shard), self._stored(rows))
        except OSError as error:
            raise UserError(
                f'The feature cache {self.folder} could not be written completely '
                f'({error.strerror}): free some space and start again with --resume; finished '
                f'shards are kept'
            ) from error

    def _announce(self, missing: list[int]) -> None:
        logger = MMLogger.get_current_instance()
        if not missing:
            logger.info('Feature cache %s is complete: nothing to compute', self.folder)
            return
        needed = sum(self.people.rows_in(shard) for shard in missing)
        needed *= self.size // max(len(self.people), 1)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self.folder)
            header = json.dumps(self.parts, indent=1, sort_keys=True, default=str)
            write_atomically(self.folder / 'header.json', header.encode())
        except OSError as error:
            raise UserError(
                f'The feature cache cannot be written to {self.folder} ({error.strerror}): set '
                f'{self.setting} to a folder that you can write to'
            ) from error
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise UserError(
                f'The feature cache needs {needed / 1e9:.2f} GB in {self.folder}, where '
                f'{free / 1e9:.2f} GB are free: free some space, or set {self.setting} to '
                'another disk'
            )
        logger.info(
            'Feature cache %s: %d people in %d of %d shards to compute, %.2f GB',
            self.folder, sum(self.people.rows_in(s) for s in missing), len(missing),
            len(self.people.shards), needed / 1e9,
        )  # fmt: skip


def _of_all_ranks(source: dict[str, Any]) -> dict[str, Any]:
    """Join the file times of all ranks, because copies on several machines may differ."""
    return {**source, 'images': sorted({*all_gather_object(source['images'])})}
