"""The most similar rows, in an order that is defined for equal ones too.

Letters: Q queries, N rows, D embedding size, K rows that are found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .similarity import Array, exclude, similarity_blocks

GATHERED = 0.1
"""Part of the rows up to which copying the rows inside is faster than computing all products."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The most similar rows of each query, most similar first, equal ones in ascending position.

    Attributes:
        positions: ``(Q, K)`` of the rows.
        similarities: ``(Q, K)``.
    """

    positions: Array
    similarities: Array


def nearest_rows(
    queries: Array,
    rows: Array,
    count: int,
    inside: Array | None = None,
    memory_mb: float = 256.0,
) -> Nearest:
    """Find the rows of greatest dot product with each query, exactly.

    Args:
        queries: ``(Q, D)``.
        rows: ``(N, D)``.
        count: Rows that are wanted, at least 1; fewer are found where there are fewer.
        inside: ``(N,)`` true for rows that are searched; all rows when not given.
        memory_mb: Bound on the similarities that exist at one time, in MiB.
    """
    searched = None
    if inside is not None and int(inside.sum()) <= GATHERED * len(rows):
        searched = _where(inside)
        rows, inside = rows[searched], None
    found = min(count, len(rows) if inside is None else int(inside.sum()))
    positions = _zeros(rows, (len(queries), found), integers=True)
    similarities = _zeros(rows, (len(queries), found))
    if found == 0:
        return Nearest(positions, similarities)
    for block, products in similarity_blocks(queries, rows, memory_mb):
        for query, row in zip(range(block.start, block.stop), products, strict=True):
            if inside is not None:
                exclude(row, inside)
            best = most_similar(row, found)
            similarities[query] = row[best]
            positions[query] = best if searched is None else searched[best]
    return Nearest(positions, similarities)


def most_similar(similarities: Array, count: int) -> Array:
    """Find the positions of the greatest similarities; equal ones keep their order.

    Args:
        similarities: ``(N,)``, ``-inf`` for rows outside.
        count: Rows that are wanted, at least 1.

    Returns:
        ``(K,)`` positions in descending similarity, fewer than wanted if there are fewer inside.
    """
    least = _least_of_best(similarities, count) if count < len(similarities) else -np.inf
    # All that equal the last place are sorted, so that the first of them come in.
    best = _where(similarities >= least if least > -np.inf else similarities > -np.inf)
    if isinstance(best, torch.Tensor):
        return best[torch.argsort(similarities[best], descending=True, stable=True)[:count]]
    return best[np.argsort(-similarities[best], kind='stable')[:count]]


def _least_of_best(similarities: Array, count: int) -> float:
    if isinstance(similarities, torch.Tensor):
        return float(torch.topk(similarities, count).values[-1])
    # NumPy partitions slowly where most numbers are equal, such as -inf outside.
    values = similarities[similarities > -np.inf]
    place = len(values) - count
    return float(np.partition(values, place)[place]) if place > 0 else -np.inf


def _where(inside: Array) -> Array:
    if isinstance(inside, torch.Tensor):
        return inside.nonzero()[:, 0]
    return np.flatnonzero(inside)


def _zeros(like: Array, shape: tuple[int, int], integers: bool = False) -> Array:
    if isinstance(like, torch.Tensor):
        dtype = torch.int64 if integers else torch.promote_types(like.dtype, torch.float32)
        return torch.zeros(shape, dtype=dtype, device=like.device)
    return np.zeros(shape, np.int64 if integers else np.result_type(like.dtype, np.float32))
