"""A gallery's rows in memory: columns to filter by, and embeddings to compare with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmps.retrieval import most_similar, nearest_rows

from ..rows import Where

BLOCK = 65_536
"""Rows of a block of embeddings: a gallery grows block by block, never copied as a whole."""

COLUMNS = {
    'key': np.int64,
    'public': np.int64,
    'source': np.int32,
    'frame': np.int32,
    'slot': np.int32,
    'time': np.float64,
    'camera': np.int32,
    'score': np.float32,
    'box': (np.float32, 4),
}
"""What is known of each row beside its embedding; sources and cameras by number."""


class Table:
    """Rows of a gallery in the order of their storage keys.

    Args:
        dimension: Size of an embedding.
        device: Where embeddings lie and are compared.
    """

    def __init__(self, dimension: int, device: torch.device) -> None:
        self.dimension = dimension
        self.device = device
        self.blocks: list[Tensor] = []
        self.size = 0
        self.alive = np.zeros(0, dtype=bool)
        self._columns = {name: _column(kind, 0) for name, kind in COLUMNS.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        """Get a column, removed rows included."""
        return self._columns[name][: self.size]

    @property
    def last_key(self) -> int:
        """The largest storage key, 0 where there is none."""
        return int(self['key'][-1]) if self.size else 0

    def append(self, columns: dict[str, np.ndarray], halves: np.ndarray) -> None:
        """Add rows with larger storage keys than all before.

        Args:
            columns: Of equal length, by the names of ``COLUMNS``.
            halves: ``(n, D)`` embeddings, half precision.
        """
        first, count = self.size, len(halves)
        self._reserve(first + count)
        for name, values in columns.items():
            self._columns[name][first : first + count] = values
        self.alive[first : first + count] = True
        while count:
            start = first % BLOCK
            if start == 0 and len(self.blocks) * BLOCK == first:
                self.blocks.append(torch.empty(BLOCK, self.dimension, device=self.device))
            taken = min(count, BLOCK - start)
            block = self.blocks[first // BLOCK]
            block[start : start + taken] = torch.from_numpy(halves[:taken].astype(np.float32))
            first, count, halves = first + taken, count - taken, halves[taken:]
        self.size = first

    def _reserve(self, size: int) -> None:
        capacity = len(self.alive)
        if size <= capacity:
            return
        grown = max(size, capacity + capacity // 4, 4096)
        for name, kind in COLUMNS.items():
            column = _column(kind, grown)
            column[: self.size] = self[name]
            self._columns[name] = column
        self.alive = np.concatenate([self.alive, np.zeros(grown - capacity, dtype=bool)])

    def keep(self, keys: np.ndarray) -> None:
        """Mark all rows as removed that are not among some storage keys.

        Args:
            keys: Sorted.
        """
        own = self['key']
        at = np.minimum(np.searchsorted(keys, own), max(len(keys) - 1, 0))
        self.alive[: self.size] = keys[at] == own if len(keys) else False

    def passing(
        self, where: Where | None, sources: Sequence[int] | None, cameras: Sequence[int] | None
    ) -> np.ndarray:
        """Find the rows that meet conditions.

        Args:
            where: The conditions.
            sources: Numbers of the sources that ``where`` names.
            cameras: Numbers of the cameras that ``where`` names.

        Returns:
            ``(n,)`` positions, rising.
        """
        mask = self.alive[: self.size].copy()
        where = where or Where()
        if sources is not None:
            mask &= np.isin(self['source'], sources)
        if cameras is not None:
            mask &= np.isin(self['camera'], cameras)
        if where.since is not None:
            mask &= self['time'] >= where.since
        if where.until is not None:
            mask &= self['time'] <= where.until
        if where.min_score is not None:
            mask &= self['score'] >= np.float32(where.min_score)
        if where.ids is not None:
            mask &= np.isin(self['public'], np.asarray(where.ids, dtype=np.int64))
        if where.not_ids is not None:
            mask &= ~np.isin(self['public'], np.asarray(where.not_ids, dtype=np.int64))
        return np.flatnonzero(mask)

    def most_similar(
        self, queries: np.ndarray, rows: np.ndarray, k: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Find the rows with the largest dot products, exactly, in single precision.

        Args:
            queries: ``(Q, D)``.
            rows: Positions of the rows that are compared, rising.
            k: Number wanted.

        Returns:
            For each query positions and dot products, the largest first; of equal ones the earlier
            row first.
        """
        wanted = torch.from_numpy(queries).to(self.device)
        parts = [
            self._nearest(wanted, at, inside, k)
            for at in range(len(self.blocks))
            if len(inside := self._within(rows, at))
        ]
        if not parts:
            return [(np.zeros(0, np.int64), np.zeros(0, np.float32))] * len(queries)
        positions, products = (
            np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)
        )
        found = []
        for row, values in zip(positions, products, strict=True):
            best = most_similar(values, k)
            found.append((row[best], values[best]))
        return found

    def _nearest(
        self, queries: Tensor, at: int, inside: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search one block; positions in the table and products, ``(Q, at most k)`` each."""
        block = self._filled(at)
        mask = None
        if len(inside) < len(block):
            mask = torch.zeros(len(block), dtype=torch.bool, device=self.device)
            mask[torch.from_numpy(inside).to(self.device)] = True
        nearest = nearest_rows(queries, block, k, mask)
        return nearest.positions.cpu().numpy() + at * BLOCK, nearest.similarities.cpu().numpy()

    def _filled(self, at: int) -> Tensor:
        return self.blocks[at][: self.size - at * BLOCK]

    @staticmethod
    def _within(rows: np.ndarray, at: int) -> np.ndarray:
        """Positions in a block of those rows that lie in it."""
        first, last = np.searchsorted(rows, [at * BLOCK, (at + 1) * BLOCK])
        return rows[first:last] - at * BLOCK

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Get embeddings ``(n, D)`` of some positions, rising."""
        parts = [
            block[torch.from_numpy(self._within(rows, at)).to(self.device)]
            for at, block in enumerate(self.blocks)
        ]
        empty = np.zeros((0, self.dimension), dtype=np.float32)
        return torch.cat(parts).cpu().numpy() if parts else empty


def _column(kind: type | tuple, length: int) -> np.ndarray:
    dtype, *shape = kind if isinstance(kind, tuple) else (kind,)
    return np.zeros((length, *shape), dtype=dtype)
