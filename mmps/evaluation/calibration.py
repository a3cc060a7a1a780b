"""From which similarity on two boxes may be taken for the same person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmps.files import write_json

from .search import SearchPlan, similarity_blocks_of

FALSE_ACCEPT_RATES = (0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, eq=False)
class Calibration:
    """How similar the same person and other people are, as histograms.

    Args:
        edges: ``(K + 1,)`` ascending ends of the bins.
        same: ``(K,)`` hits of the search: the same person in another image.
        other: ``(K,)`` other people and background.
    """

    edges: np.ndarray
    same: np.ndarray
    other: np.ndarray

    def threshold(self, false_accept_rate: float) -> float:
        """Find the least similarity that lets in no more than a part of the others.

        Args:
            false_accept_rate: that part, in 0..1.

        Returns:
            Lower end of a bin, so exact to the width of a bin; the upper end of all bins if even
            the last one holds too many.
        """
        let_in = np.r_[np.cumsum(self.other[::-1])[::-1], 0]
        allowed = let_in <= false_accept_rate * max(let_in[0], 1)
        return float(self.edges[np.argmax(allowed)])

    def true_accept_rate(self, threshold: float) -> float | None:
        """Say which part of the same-person pairs reaches a threshold.

        Args:
            threshold: an end of a bin.

        Returns:
            In 0..1, nothing without such pairs.
        """
        reached = self.same[self.edges[:-1] >= threshold].sum()
        return float(reached / self.same.sum()) if self.same.sum() else None

    def summary(self, rates: Sequence[float] = FALSE_ACCEPT_RATES) -> dict:
        """Describe the distributions for a JSON file.

        A rate needs at least one pair of other people for each of its steps: without them its
        similarity is left out, and ``pairs_needed`` says how many it takes.

        Args:
            rates: false-accept rates for which thresholds are given.
        """
        return {
            'pairs': {'same': int(self.same.sum()), 'other': int(self.other.sum())},
            'thresholds': [self._threshold_row(rate) for rate in rates],
            'bins': {
                'low': float(self.edges[0]),
                'high': float(self.edges[-1]),
                'same': self.same.tolist(),
                'other': self.other.tolist(),
            },
        }

    def _threshold_row(self, rate: float) -> dict[str, float | int | None]:
        needed = math.ceil(1 / rate)
        enough = self.other.sum() >= needed
        threshold = self.threshold(rate) if enough else None
        return {
            'false_accept_rate': rate,
            'similarity': threshold,
            'true_accept_rate': self.true_accept_rate(threshold) if enough else None,
            'pairs_needed': needed,
        }

    def save(self, path: str | Path) -> None:
        """Write the summary.

        Args:
            path: a JSON file.
        """
        write_json(Path(path), self.summary())


def calibrate(
    query_embeddings: np.ndarray,
    plan: SearchPlan,
    memory_mb: float = 256.0,
    bins: int = 2000,
    counted: np.ndarray | None = None,
) -> Calibration:
    """Count how similar queries are to their hits and to everybody else.

    Further boxes on the query's person count for neither side.

    Args:
        query_embeddings: ``(Q, D)`` in the order of the plan's queries.
        plan: what is searched where.
        memory_mb: bound on the similarities that exist at one time, in MiB.
        bins: number of bins between the least and the greatest possible similarity.
        counted: ``(Q,)`` true for queries that count; all of them when not given.
    """
    counted = np.ones(len(query_embeddings), dtype=bool) if counted is None else counted
    bound = _greatest_length(query_embeddings) * _greatest_length(plan.boxes.embeddings)
    edges = np.linspace(-bound, bound, bins + 1) if bound > 0 else np.linspace(-1, 1, bins + 1)
    same, other = np.zeros(bins, dtype=np.int64), np.zeros(bins, dtype=np.int64)
    for block, similarities in similarity_blocks_of(query_embeddings, plan, memory_mb):
        rows, boxes = plan.task.judge.hits(block, similarities, plan.boxes)
        kept = counted[block][rows]
        hits = rows[kept], boxes[kept]
        same += np.histogram(similarities[hits], edges)[0]
        similarities[hits] = -np.inf
        similarities[~counted[block]] = -np.inf
        similarities[plan.task.judge.same_person(block, plan.boxes)] = -np.inf
        other += np.histogram(similarities[similarities > -np.inf], edges)[0]
    return Calibration(edges, same, other)


def _greatest_length(rows: np.ndarray) -> float:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    # rounding in the matrix product must not push a similarity over the edge
    return float(lengths.max(initial=0.0)) * (1 + 1e-4)
