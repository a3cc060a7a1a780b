"""People found in images and videos, as columns of equal length."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from mmps.structures import DataError

STILL = -1
"""``Rows.frame`` of an image that belongs to no video."""

UNIT_TOLERANCE = 1e-2
"""How far from 1 the length of an embedding may be; half precision moves it by less than 1e-3."""


@dataclass(frozen=True, eq=False)
class Rows:
    """People found in images and videos, one row each.

    Attributes:
        vectors: ``(n, D)`` embeddings of unit length, single precision; ``D`` is 0 where they were
            not asked for.
        boxes: ``(n, 4)`` xyxy in pixels of the image after EXIF rotation.
        scores: ``(n,)`` detection scores in 0..1.
        source: ``(n,)`` path of the image or video, as it was given.
        frame: ``(n,)`` number of the frame in its video, from 0; ``STILL`` for an image.
        slot: ``(n,)`` position of the person among those of the frame.
        time: ``(n,)`` seconds since 1970, or NaN where unknown.
        camera: ``(n,)`` name, or an empty text where unknown.
        ids: ``(n,)`` public ids that a gallery has given, otherwise ``None``.

    Raises:
        DataError: Columns differ in length, a number is not finite, or an embedding has not unit
            length.
    """

    vectors: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    source: np.ndarray
    frame: np.ndarray
    slot: np.ndarray
    time: np.ndarray
    camera: np.ndarray
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, (kind, *shape) in COLUMNS.items():
            given = getattr(self, name)
            if given is not None:
                column = _texts(given) if kind is object else np.asarray(given, dtype=kind)
                object.__setattr__(self, name, column.reshape(-1, *shape) if shape else column)
        lengths = {f.name: len(v) for f in fields(self) if (v := getattr(self, f.name)) is not None}
        if len(set(lengths.values())) > 1:
            raise DataError(f'columns of people differ in length: {lengths}')
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name in ('vectors', 'boxes', 'scores'):
            if not np.isfinite(getattr(self, name)).all():
                raise DataError(f'{name} of people hold a number that is not finite')
        if self.vectors.ndim != 2:
            raise DataError(f'embeddings have shape {self.vectors.shape}, expected (people, D)')
        if self.vectors.size:
            squares = np.einsum('nd,nd->n', self.vectors, self.vectors)
            if np.abs(np.sqrt(squares) - 1).max() > UNIT_TOLERANCE:
                raise DataError('an embedding has not unit length; normalise it before it is added')

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: np.ndarray | slice) -> Rows:
        """Get some of the rows, by positions, a mask or a slice."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return Rows(**{k: None if v is None else v[chosen] for k, v in columns.items()})

    @classmethod
    def empty(cls, dimension: int = 0) -> Rows:
        """Return no rows.

        Args:
            dimension: Size of an embedding.
        """
        columns = {name: np.zeros((0, *shape)) for name, (_, *shape) in COLUMNS.items()}
        return cls(**{**columns, 'vectors': np.zeros((0, dimension)), 'ids': None})

    @classmethod
    def joined(cls, parts: Iterable[Rows]) -> Rows:
        """Put rows one below the other; without any part there are no rows."""
        parts = list(parts)
        if not parts:
            return cls.empty()
        columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(cls)}
        return cls(
            **{
                name: None if any(v is None for v in values) else np.concatenate(values)
                for name, values in columns.items()
            }
        )


COLUMNS: dict[str, tuple] = {
    'vectors': (np.float32,),
    'boxes': (np.float32, 4),
    'scores': (np.float32,),
    'source': (object,),
    'frame': (np.int32,),
    'slot': (np.int32,),
    'time': (np.float64,),
    'camera': (object,),
    'ids': (np.int64,),
}
"""Type of each column of :class:`Rows`, and the shape of one entry where it is not a number."""


@dataclass(frozen=True)
class Where:
    """Conditions on rows; all that are given must hold.

    Attributes:
        cameras: Names, one of which the camera has.
        since: Earliest time in seconds since 1970; a row without time does not pass.
        until: Latest time, inclusive; a row without time does not pass.
        min_score: Smallest detection score.
        sources: Paths, one of which the source has.
        ids: Public ids, one of which the row has.
        not_ids: Public ids none of which the row has, such as hits that were rejected.
    """

    cameras: Sequence[str] | None = None
    since: float | None = None
    until: float | None = None
    min_score: float | None = None
    sources: Sequence[str] | None = None
    ids: Sequence[int] | None = None
    not_ids: Sequence[int] | None = None

    @property
    def given(self) -> set[str]:
        """Names of the conditions that are given."""
        return {f.name for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True, eq=False)
class Hits:
    """The rows most similar to one query, the most similar first.

    Attributes:
        similarities: ``(k,)`` cosine similarities in -1..1.
        rows: The k rows, without their embeddings.
        exact: Whether every row was compared; a server may search approximately.
    """

    similarities: np.ndarray
    rows: Rows
    exact: bool = True

    def __len__(self) -> int:
        return len(self.similarities)


def public_ids(
    model: str, digests: Sequence[str], frames: np.ndarray, slots: np.ndarray
) -> np.ndarray:
    """Compute ids that are the same whenever, and wherever, a person is indexed.

    Args:
        model: Fingerprint of the model that found the people.
        digests: ``(n,)`` digest of each row's source file.
        frames: ``(n,)`` as in :class:`Rows`.
        slots: ``(n,)`` as in :class:`Rows`.

    Returns:
        ``(n,)`` 63 bits of BLAKE2b each: among a million people the chance that any two agree is
        5e-8.
    """
    starts: dict[str, hashlib.blake2b] = {}
    found = np.empty(len(digests), dtype=np.int64)
    for row, (digest, frame, slot) in enumerate(
        zip(digests, frames.tolist(), slots.tolist(), strict=True)
    ):
        start = starts.get(digest)
        if start is None:
            start = starts[digest] = hashlib.blake2b(f'{model}\n{digest}'.encode(), digest_size=8)
        hashed = start.copy()
        hashed.update(b'\n%d\n%d' % (frame, slot))
        found[row] = int.from_bytes(hashed.digest(), 'little') >> 1
    return found


def _texts(values: Sequence[str]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = list(values)
    return column
