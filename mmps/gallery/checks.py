"""What every gallery refuses, in the same words."""

from __future__ import annotations

import numpy as np

from mmps.structures import DataError

from .base import GalleryInfo
from .rows import Rows, Where


def check_dimension(info: GalleryInfo, rows: Rows) -> None:
    """Refuse embeddings of another size than a gallery holds.

    Args:
        info: Of the gallery.
        rows: To be added.

    Raises:
        DataError: They have another size.
    """
    size = info.model.dimension
    if len(rows) and rows.vectors.shape[1] != size:
        raise DataError(
            f'{info.where} holds embeddings of size {size}, not {rows.vectors.shape[1]}'
        )


def as_queries(info: GalleryInfo, vectors: np.ndarray) -> np.ndarray:
    """Return queries as ``(Q, D)`` single precision.

    Args:
        info: Of the gallery that is searched.
        vectors: ``(Q, D)``, or ``(D,)`` for one.

    Raises:
        DataError: They have another size than the gallery's embeddings.
    """
    queries = np.atleast_2d(np.ascontiguousarray(vectors, dtype=np.float32))
    size = info.model.dimension
    if queries.shape[1] != size:
        raise DataError(
            f'{info.where} holds embeddings of size {size}, not {queries.shape[1]} as the query has'
        )
    return queries


def check_writes(where: object, writes: bool) -> None:
    """Refuse changes of a gallery that was opened for reading.

    Args:
        where: The gallery.
        writes: Whether it was opened for writing.

    Raises:
        DataError: It was not.
    """
    if not writes:
        raise DataError(f"{where} was opened for reading; open it with mode='w' to change it")


def check_given(where: Where) -> None:
    """Refuse to remove everybody by leaving out all conditions.

    Args:
        where: What is to be removed.

    Raises:
        DataError: No condition is given.
    """
    if not where.given:
        raise DataError('no condition is given, so nothing is removed')
