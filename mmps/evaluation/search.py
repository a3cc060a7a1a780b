"""Search every query in its gallery, block by block within a bound on memory.

Letters: Q queries, B queries of one block, I images, N boxes, H hits, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np

from .detections import Detections
from .functional.ranking import RankedHits, rank_hits
from .results import QueryResults

GalleryMask = Callable[[slice], np.ndarray]
"""Tells for a block of queries which images each is searched in: ``(B, I)`` booleans."""

Reranker = Callable[[np.ndarray, slice], np.ndarray]
"""Revises the ``(B, N)`` similarities of a block of queries; ``-inf`` is outside the gallery."""


class Judge(Protocol):
    """Knows which boxes are right."""

    def hits(
        self, block: slice, similarities: np.ndarray, detections: Detections
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``(H,)`` queries of a block, ascending, and the ``(H,)`` boxes of its hits.

        Boxes that are neither right nor wrong get the similarity ``-inf``.
        """

    def same_person(self, block: slice, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        """Find the queries and boxes of all pairs that show the same person."""


@dataclass(frozen=True, eq=False)
class SearchTask:
    """What is searched where, and what is right.

    Args:
        query_index: ``(Q,)`` position of each query in the annotation file's ``queries``.
        gallery: images of each query.
        judge: finds the hits.
        num_targets: ``(Q,)`` number that recall is measured against.
        measure: ranks a query's boxes and says what its hits are worth.
    """

    query_index: np.ndarray
    gallery: GalleryMask
    judge: Judge
    num_targets: np.ndarray
    measure: Callable[[np.ndarray, np.ndarray, int], RankedHits] = rank_hits


@dataclass(frozen=True, eq=False)
class SearchPlan:
    """A task and the boxes that it searches.

    Args:
        task: galleries and targets.
        detections: boxes of all images.
    """

    task: SearchTask
    detections: Detections


def search(
    query_embeddings: np.ndarray,
    plan: SearchPlan,
    rerankers: Sequence[Reranker] = (),
    memory_mb: float = 256.0,
    share: slice | None = None,
) -> QueryResults:
    """Rank each query's gallery by dot product and measure where its hits stand.

    Args:
        query_embeddings: ``(Q, D)`` in the order of the task's queries.
        plan: what is searched where.
        rerankers: revisions of the similarities, applied in order.
        memory_mb: bound on the similarities and masks that exist at one time, in MiB.
        share: consecutive queries that are searched; all of them when not given.
    """
    share = slice(0, len(query_embeddings)) if share is None else share
    parts = [_measured(slice(share.start, share.start), plan, np.zeros((0, len(plan.detections))))]
    for block, similarities in similarity_blocks(query_embeddings, plan, memory_mb, share):
        revised = reduce(lambda values, rerank: rerank(values, block), rerankers, similarities)
        parts.append(_measured(block, plan, revised))
    return QueryResults.concatenate(parts)


def similarity_blocks(
    query_embeddings: np.ndarray, plan: SearchPlan, memory_mb: float, share: slice
) -> Iterator[tuple[slice, np.ndarray]]:
    """Compute similarities by one matrix product per block of queries.

    Args:
        query_embeddings: ``(Q, D)``.
        plan: what is searched where.
        memory_mb: bound on one block, in MiB.
        share: consecutive queries that are searched.

    Yields:
        The block, and its ``(B, N)`` similarities, ``-inf`` outside each query's gallery.
    """
    detections = plan.detections
    dtype = np.result_type(query_embeddings.dtype, detections.embeddings.dtype, np.float32)
    queries = query_embeddings.astype(dtype, copy=False)
    gallery = detections.embeddings.astype(dtype, copy=False).T
    rows = block_rows(detections, dtype.itemsize, memory_mb)
    for start in range(share.start, share.stop, rows):
        block = slice(start, min(start + rows, share.stop))
        similarities = queries[block] @ gallery
        inside = plan.task.gallery(block)[:, detections.images]
        np.copyto(similarities, -np.inf, where=np.logical_not(inside, out=inside))
        yield block, similarities


def block_rows(detections: Detections, itemsize: int, memory_mb: float) -> int:
    """Say how many queries fit a block: similarities, a copy of them, and masks.

    Args:
        detections: boxes of all images.
        itemsize: bytes of one similarity.
        memory_mb: bound in MiB.

    Returns:
        At least 1.
    """
    num_images = len(detections.offsets) - 1
    row = len(detections) * (2 * itemsize + 4) + 2 * num_images
    return max(1, int(memory_mb * 2**20 / max(row, 1)))


def _measured(block: slice, plan: SearchPlan, similarities: np.ndarray) -> QueryResults:
    task = plan.task
    rows, hits = task.judge.hits(block, similarities, plan.detections)
    bounds = np.searchsorted(rows, np.arange(len(similarities) + 1))
    ranked = [
        task.measure(row, hits[bounds[i] : bounds[i + 1]], int(count))
        for i, (row, count) in enumerate(zip(similarities, task.num_targets[block], strict=True))
    ]
    return QueryResults(
        query_index=task.query_index[block],
        average_precision=np.array([r.average_precision for r in ranked], dtype=np.float64),
        first_rank=np.array([r.first_rank for r in ranked], dtype=np.int64),
        num_targets=task.num_targets[block],
        num_undetected=task.num_targets[block] - np.diff(bounds),
        num_outranked=np.array([r.num_outranked for r in ranked], dtype=np.int64),
    )
