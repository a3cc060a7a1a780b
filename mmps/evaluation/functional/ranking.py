"""Ranks of the right boxes among all boxes of a gallery, and the resulting scores.

Only the places of hits are needed: boxes less similar than the worst hit are never sorted.
Letters: N boxes, H hits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RankedHits:
    """How one query did.

    Attributes:
        average_precision: Average precision, in 0..1.
        first_rank: Rank of the first hit, from 1; 0 without a hit.
        num_outranked: Hits that have at least one wrong box before or beside them.
    """

    average_precision: float
    first_rank: int
    num_outranked: int


def rank_hits(similarities: np.ndarray, hits: np.ndarray, num_targets: int) -> RankedHits:
    """Rank a gallery by similarity and measure where the hits stand.

    The average precision is scikit-learn's times the recall, that is, the sum over the hits of the
    precision at their place, divided by the number of targets: boxes that no detection found count.
    Equal similarities share one place there. The first rank breaks ties by the order of the boxes.

    Args:
        similarities: ``(N,)`` to every box, ``-inf`` for boxes outside the gallery.
        hits: ``(H,)`` positions of the right boxes, each at most once.
        num_targets: Number of right boxes that exist, at least H.
    """
    if len(hits) == 0:
        return RankedHits(0.0, 0, 0)
    hit_values = np.sort(similarities[hits])
    contenders = similarities[similarities >= hit_values[0]]
    contenders.sort()
    as_good = len(contenders) - np.searchsorted(contenders, hit_values, side='left')
    hits_as_good = len(hits) - np.searchsorted(hit_values, hit_values, side='left')
    precision = hits_as_good / as_good
    best = hit_values[-1]
    better = len(contenders) - np.searchsorted(contenders, best, side='right')
    first_rank = 1 + int(better) + _boxes_before(similarities, hits, best)
    return RankedHits(
        average_precision=float(precision.sum() / num_targets),
        first_rank=first_rank,
        num_outranked=int((as_good > hits_as_good).sum()),
    )


def _boxes_before(similarities: np.ndarray, hits: np.ndarray, value: float) -> int:
    """Count the boxes of this value that come before the first hit of this value."""
    first = hits[similarities[hits] == value].min()
    return int(np.count_nonzero(similarities[:first] == value))


def top_k(first_ranks: np.ndarray, k: int) -> np.ndarray:
    """Return which queries have a hit among their k most similar boxes.

    Args:
        first_ranks: ``(Q,)`` place of the first hit, counted from 1; 0 without a hit.
        k: Number of ranks, at least 1.

    Returns:
        ``(Q,)`` booleans.
    """
    return (first_ranks >= 1) & (first_ranks <= k)
