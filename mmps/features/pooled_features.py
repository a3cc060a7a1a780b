from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmps.structures import ConfigError

STORAGES = ('disk', 'memory', 'device')


class PooledFeatures(Dataset):
    """Cached features as batches; each person appears in one of its views, drawn at random.

    Length and identities are known from annotations before the features exist, so that schedules
    can be computed; :meth:`open` attaches the features.

    Args:
        person_ids: ``(N,)`` identities.
        metainfo: Meta information of the image data set, for checkpoints.
        storage: Where features are between batches: ``'disk'`` (memory-mapped), ``'memory'`` or
            ``'device'``. Batches are the same.

    Raises:
        ConfigError: ``storage`` is not one of these three.
    """

    def __init__(self, person_ids: np.ndarray, metainfo: dict, storage: str = 'disk') -> None:
        if storage not in STORAGES:
            raise ConfigError(f'storage={storage!r} must be one of {", ".join(STORAGES)}')
        self.person_ids = torch.from_numpy(person_ids)
        self.metainfo = metainfo
        self.storage = storage
        self.shards: list[np.ndarray] | None = None

    def open(self, shards: list[np.ndarray], device: torch.device | str = 'cpu') -> None:
        """Attach features.

        Args:
            shards: Arrays ``(rows, views, C, h, w)`` whose rows, in sequence, are the people.
            device: Device for ``storage='device'``.
        """
        self._starts = np.cumsum([0, *(len(shard) for shard in shards)])
        if self._starts[-1] != len(self):
            raise ConfigError(f'{self._starts[-1]} cached features for {len(self)} people')
        self.shards = shards
        if self.storage != 'disk':
            self._rows = _as_one(shards, device if self.storage == 'device' else 'cpu')

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.person_ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return one person: ``pooled`` ``(C, h, w)`` and a scalar ``person_ids``."""
        batch = self.__getitems__([index])
        return {key: value[0] for key, value in batch.items()}

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """Return a batch: ``pooled`` ``(B, C, h, w)`` in float32 and ``person_ids`` ``(B,)``."""
        views = torch.randint(self.shards[0].shape[1], (len(indices),))
        indices = torch.tensor(indices, dtype=torch.int64)
        if self.storage == 'disk':
            picked = self._from_disk(indices.numpy(), views.tolist())
        else:
            picked = self._rows[indices.to(self._rows.device), views.to(self._rows.device)]
        return {'pooled': _as_floats(picked), 'person_ids': self.person_ids[indices]}

    def _from_disk(self, indices: np.ndarray, views: list[int]) -> Tensor:
        shards = np.searchsorted(self._starts, indices, side='right') - 1
        rows = indices - self._starts[shards]
        picked = [self.shards[s][r, v] for s, r, v in zip(shards, rows, views, strict=True)]
        empty = np.empty((0, *self.shards[0].shape[2:]), self.shards[0].dtype)
        return torch.from_numpy(np.stack(picked) if picked else empty)


def _as_one(shards: list[np.ndarray], device: torch.device | str) -> Tensor:
    dtype = torch.from_numpy(shards[0][:0].copy()).dtype
    rows = torch.empty((sum(map(len, shards)), *shards[0].shape[1:]), dtype=dtype, device=device)
    start = 0
    for shard in shards:
        rows[start : start + len(shard)] = torch.from_numpy(np.array(shard))
        start += len(shard)
    return rows


def _as_floats(stored: Tensor) -> Tensor:
    """Undo what the cache did to store bfloat16: see ``mmps.features.cache.DTYPES``."""
    return (stored.view(torch.bfloat16) if stored.dtype == torch.int16 else stored).float()
