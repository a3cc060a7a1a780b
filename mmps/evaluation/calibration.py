"""From which similarity on two boxes may be taken for the same person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine import dist

from mmps.files import write_json
from mmps.formats.json_files import read_json
from mmps.structures import DataError

from .search import SearchPlan, similarity_blocks_of

FALSE_ACCEPT_RATES = (0.1, 0.01, 0.001, 0.0001)

_NO_CALIBRATION = 'is no calibration: take calibration.json of tools/test.py, or a published file'


@dataclass(frozen=True, eq=False)
class Calibration:
    """How similar the same person and other people are, as histograms.

    Attributes:
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
            false_accept_rate: That part, in 0..1.

        Returns:
            Lower end of a bin, so exact to the width of a bin; the upper end of all bins if even
            the last one holds too many.
        """
        let_in = np.r_[np.cumsum(self.other[::-1])[::-1], 0]
        allowed = let_in <= false_accept_rate * max(let_in[0], 1)
        return float(self.edges[np.argmax(allowed)])

    def true_accept_rate(self, threshold: float) -> float | None:
        """Return the share of the same-person pairs that reaches a threshold.

        Args:
            threshold: An end of a bin.

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
            rates: False-accept rates for which thresholds are given.
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

    @classmethod
    def from_summary(cls, summary: Any, where: str) -> Calibration:
        """Build from what :meth:`summary` returns, as published files and ``calibration.json`` do.

        Args:
            summary: Parsed JSON.
            where: File that it is from, for the message.

        Raises:
            DataError: It is no such summary.
        """
        try:
            bins = summary['bins']
            same, other = (np.asarray(bins[name], dtype=np.int64) for name in ('same', 'other'))
            low, high = float(bins['low']), float(bins['high'])
        except (TypeError, KeyError, ValueError, OverflowError):
            raise DataError(f'{where} {_NO_CALIBRATION}') from None
        right = same.ndim == 1 and same.shape == other.shape and same.size and low < high
        if not right or min(same.min(), other.min()) < 0:
            raise DataError(f'{where} {_NO_CALIBRATION}')
        return cls(np.linspace(low, high, len(same) + 1), same, other)

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read a file that :meth:`save` wrote.

        Args:
            path: A JSON file.

        Raises:
            DataError: The file is missing, or is no calibration.
        """
        return cls.from_summary(read_json(path), str(path))

    def at_least(self, similarity: float) -> tuple[int, int]:
        """Count the pairs of the test that were at least this similar, to the width of a bin.

        Args:
            similarity: Of two boxes.

        Returns:
            Pairs of other people, and all pairs.
        """
        first = np.searchsorted(self.edges, similarity, side='right') - 1
        first = int(np.clip(first, 0, len(self.same)))
        wrong = int(self.other[first:].sum())
        return wrong, wrong + int(self.same[first:].sum())

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
            path: A JSON file.
        """
        write_json(Path(path), self.summary())


class SimilarityCounter:
    """Counts during a search how similar queries are to their hits and to everybody else.

    Further boxes on the query's person count for neither side, queries without an embedding (rows
    of zeros) for nothing.

    Args:
        bins: Number of bins between the least and the greatest possible similarity.
    """

    def __init__(self, bins: int = 2000) -> None:
        self.bins = bins

    def begin(self, query_embeddings: np.ndarray, plan: SearchPlan) -> None:
        """Begin with empty histograms."""
        bound = _greatest_length(query_embeddings) * _greatest_length(plan.boxes.embeddings)
        self.edges = np.linspace(-(bound or 1.0), bound or 1.0, self.bins + 1)
        self.same, self.other = np.zeros((2, self.bins), dtype=np.int64)
        self.plan = plan
        self.counted = query_embeddings.any(axis=1)

    def see(
        self, block: slice, similarities: np.ndarray, hits: tuple[np.ndarray, np.ndarray]
    ) -> None:
        """Count the similarities of a block."""
        counted = self.counted[block]
        for row in np.flatnonzero(counted):
            self.other += count_in_bins(similarities[row], self.edges)
        on_person = self.plan.task.judge.same_person(block, self.plan.boxes)
        of_person = (np.concatenate(pair) for pair in zip(hits, on_person, strict=True))
        pairs = np.unique(np.stack(list(of_person)), axis=1)
        rows, boxes = pairs[:, counted[pairs[0]]]
        self.other -= count_in_bins(similarities[rows, boxes], self.edges)
        rows, boxes = (part[counted[hits[0]]] for part in hits)
        self.same += count_in_bins(similarities[rows, boxes], self.edges)

    def calibration(self) -> Calibration:
        """Add up what all ranks counted."""
        ranks = dist.all_gather_object((self.same, self.other))
        same, other = (np.sum(counts, axis=0) for counts in zip(*ranks, strict=True))
        return Calibration(self.edges, same, other)


def calibrate(
    query_embeddings: np.ndarray,
    plan: SearchPlan,
    memory_mb: float = 256.0,
    bins: int = 2000,
    counted: np.ndarray | None = None,
) -> Calibration:
    """Count how similar queries are to their hits and to everybody else, without a ranking.

    Args:
        query_embeddings: ``(Q, D)`` in the order of the plan's queries.
        plan: Boxes, galleries and targets of the search.
        memory_mb: Bound on the similarities that exist at one time, in MiB.
        bins: Number of bins between the least and the greatest possible similarity.
        counted: ``(Q,)`` true for queries that count; all of them when not given.
    """
    counter = SimilarityCounter(bins)
    counter.begin(query_embeddings, plan)
    counter.counted = np.ones(len(query_embeddings), bool) if counted is None else counted
    for block, similarities in similarity_blocks_of(query_embeddings, plan, memory_mb):
        counter.see(block, similarities, plan.task.judge.hits(block, similarities, plan.boxes))
    return Calibration(counter.edges, counter.same, counter.other)


def count_in_bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Count values between edges of equal distance, as ``numpy.histogram`` does but faster.

    Args:
        values: ``(N,)`` within the edges, or ``-inf``, which is not counted.
        edges: ``(K + 1,)`` ascending.

    Returns:
        ``(K,)`` counts.
    """
    bins = len(edges) - 1
    values = values[values > -np.inf]
    places = (values - edges[0]) * (bins / (edges[-1] - edges[0]))
    index = np.clip(places.astype(np.intp), 0, bins - 1)
    # Rounding may put a value that lies on an edge into the bin beside its own.
    index -= values < edges[index]
    index += (values >= edges[index + 1]) & (index < bins - 1)
    return np.bincount(index, minlength=bins)


def _greatest_length(rows: np.ndarray) -> float:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    # rounding in the matrix product must not push a similarity over the edge
    return float(lengths.max(initial=0.0)) * (1 + 1e-4)
