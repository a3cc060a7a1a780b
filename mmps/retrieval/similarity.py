"""Similarities of queries to rows, block by block within a bound on memory.

Letters: Q queries, B queries of one block, N rows, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

Array = np.ndarray | torch.Tensor
"""Arrays of one call are all NumPy's, or all Torch's on one device."""

Inside = Callable[[slice], Array]
"""Returns for a block of queries which rows each is searched in: ``(B, N)`` booleans."""


def similarity_blocks(
    queries: Array,
    rows: Array,
    memory_mb: float = 256.0,
    inside: Inside | None = None,
    share: slice | None = None,
    mask_bytes: int = 0,
) -> Iterator[tuple[slice, Array]]:
    """Compute dot products by one matrix product per block of queries.

    Args:
        queries: ``(Q, D)``.
        rows: ``(N, D)``.
        memory_mb: Bound on what exists for one block, in MiB: similarities, a copy of them for
            the caller, and masks. A block has at least one query.
        inside: Rows of each query; all rows when not given.
        share: Consecutive queries that are searched; all of them when not given.
        mask_bytes: What ``inside`` needs for one query besides its result.

    Yields:
        The block, and its ``(B, N)`` similarities in single precision or better, ``-inf`` outside.
    """
    share = slice(0, len(queries)) if share is None else share
    queries, rows = _one_dtype(queries, rows)
    row_bytes = len(rows) * (2 * rows.itemsize + 4) + mask_bytes
    count = max(1, int(memory_mb * 2**20 / max(row_bytes, 1)))
    for start in range(share.start, share.stop, count):
        block = slice(start, min(start + count, share.stop))
        similarities = queries[block] @ rows.T
        if inside is not None:
            exclude(similarities, inside(block))
        yield block, similarities


def exclude(similarities: Array, inside: Array) -> None:
    """Set similarities to ``-inf`` outside, in place.

    Args:
        similarities: Array of any shape.
        inside: Booleans of the same shape.
    """
    if isinstance(similarities, torch.Tensor):
        similarities.masked_fill_(~inside, -torch.inf)
    else:
        np.copyto(similarities, -np.inf, where=~inside)


def _one_dtype(queries: Array, rows: Array) -> tuple[Array, Array]:
    """Convert to a common type; half precision and integers become single precision."""
    if isinstance(rows, torch.Tensor):
        dtype = torch.promote_types(torch.promote_types(queries.dtype, rows.dtype), torch.float32)
        return queries.to(dtype), rows.to(dtype)
    dtype = np.result_type(queries.dtype, rows.dtype, np.float32)
    return queries.astype(dtype, copy=False), rows.astype(dtype, copy=False)
