"""Search every query in its gallery, block by block within a bound on memory.

Letters: Q queries, B queries of one block, I images, N boxes, H hits, D embedding size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Protocol

import numpy as np
from mmengine import dist

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import SortedBoxes
from mmps.registry import TASK_UTILS
from mmps.retrieval import similarity_blocks
from mmps.structures import ConfigError

from .functional.ranking import RankedHits, rank_hits
from .results import QueryResults

GalleryMask = Callable[[slice], np.ndarray]
"""Tells for a block of queries which images each is searched in: ``(B, I)`` booleans."""

Reranker = Callable[[np.ndarray, slice], np.ndarray]
"""Revises the ``(B, N)`` similarities of a block of queries; ``-inf`` is outside the gallery."""


class Judge(Protocol):
    """Knows which boxes are right."""

    def hits(
        self, block: slice, similarities: np.ndarray, boxes: SortedBoxes
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``(H,)`` queries of a block, ascending, and the ``(H,)`` boxes of its hits.

        Boxes that are neither right nor wrong get the similarity ``-inf``.
        """

    def same_person(self, block: slice, boxes: SortedBoxes) -> tuple[np.ndarray, np.ndarray]:
        """Find the queries and boxes of all pairs that show the same person."""


class Observer(Protocol):
    """Sees all similarities of a search as they are computed, before any re-ranking."""

    def begin(self, query_embeddings: np.ndarray, plan: SearchPlan) -> None:
        """Get ready for one search; queries are those of the plan, boxes are weighted."""

    def see(
        self, block: slice, similarities: np.ndarray, hits: tuple[np.ndarray, np.ndarray]
    ) -> None:
        """Look at the similarities of a block and at its hits, as :class:`Judge` returns them."""


@dataclass(frozen=True, eq=False)
class SearchTask:
    """A search: the queries' galleries, the boxes, and which of them are right.

    Attributes:
        query_index: ``(Q,)`` position of each query in the annotation file's ``queries``.
        gallery: Images of each query.
        judge: Finds the hits.
        num_targets: ``(Q,)`` number that recall is measured against.
        measure: Ranks a query's boxes and evaluates its hits.
    """

    query_index: np.ndarray
    gallery: GalleryMask
    judge: Judge
    num_targets: np.ndarray
    measure: Callable[[np.ndarray, np.ndarray, int], RankedHits] = rank_hits


@dataclass(frozen=True, eq=False)
class SearchPlan:
    """A task and the boxes that it searches.

    Attributes:
        task: Galleries and targets.
        boxes: Boxes of all images.
    """

    task: SearchTask
    boxes: SortedBoxes


def search(
    query_embeddings: np.ndarray,
    plan: SearchPlan,
    rerankers: Sequence[Reranker] = (),
    memory_mb: float = 256.0,
    share: slice | None = None,
    observer: Observer | None = None,
) -> QueryResults:
    """Rank each query's gallery by dot product and measure where its hits stand.

    Args:
        query_embeddings: ``(Q, D)`` in the order of the task's queries.
        plan: Boxes, galleries and targets of the search.
        rerankers: Revisions of the similarities, applied in order.
        memory_mb: Bound on the similarities and masks that exist at one time, in MiB.
        share: Consecutive queries that are searched; all of them when not given.
        observer: Sees the similarities; it may not change them.
    """
    share = slice(0, len(query_embeddings)) if share is None else share
    judge, boxes = plan.task.judge, plan.boxes
    # No query at all has results too: of length 0.
    nobody = slice(share.start, share.start)
    parts = [_measured(nobody, plan, np.zeros((0, len(boxes))), _NO_HITS)]
    if observer is not None:
        observer.begin(query_embeddings, plan)
    for block, similarities in similarity_blocks_of(query_embeddings, plan, memory_mb, share):
        hits = None
        if observer is not None:
            # A judge may drop boxes from what it sees, which re-rankers still need.
            seen = similarities.copy() if rerankers else similarities
            hits = judge.hits(block, seen, boxes)
            observer.see(block, seen, hits)
        revised = reduce(lambda values, rerank: rerank(values, block), rerankers, similarities)
        if hits is None or rerankers:
            hits = judge.hits(block, revised, boxes)
        parts.append(_measured(block, plan, revised, hits))
    return QueryResults.concatenate(parts)


def similarity_blocks_of(
    query_embeddings: np.ndarray,
    plan: SearchPlan,
    memory_mb: float = 256.0,
    share: slice | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Compute the similarities of a plan, block by block.

    Args:
        query_embeddings: ``(Q, D)`` in the order of the task's queries.
        plan: Boxes, galleries and targets of the search.
        memory_mb: Bound on the similarities and masks that exist at one time, in MiB.
        share: Consecutive queries that are searched; all of them when not given.

    Yields:
        The block, and its ``(B, N)`` similarities, ``-inf`` outside each query's gallery.
    """
    boxes = plan.boxes
    num_images = len(boxes.offsets) - 1
    return similarity_blocks(
        query_embeddings,
        boxes.embeddings,
        memory_mb,
        inside=lambda block: plan.task.gallery(block)[:, boxes.images],
        share=share,
        mask_bytes=2 * num_images,
    )


@TASK_UTILS.register_module()
class Searcher:
    """Carries out searches; under ``torchrun`` the ranks share the queries.

    Args:
        score_weighted: Multiply each similarity by the score of the box (NAE, SeqNet: CWS).
        rerankers: Configs of revisions of the similarities, applied in order.
        memory_mb: Bound on the similarities and masks that exist at one time, in MiB.

    Raises:
        ConfigError: The bound is not a positive number.
    """

    def __init__(
        self,
        score_weighted: bool = False,
        rerankers: Sequence[dict] = (),
        memory_mb: float = 256.0,
    ) -> None:
        if not 0 < memory_mb < math.inf:
            raise ConfigError(
                f'mmps.Searcher: memory_mb must be a positive number, not {memory_mb}.'
            )
        self.score_weighted = score_weighted
        self.rerankers = [TASK_UTILS.build(config) for config in rerankers]
        self.memory_mb = memory_mb

    def __call__(
        self,
        ground_truth: GroundTruth,
        query_embeddings: np.ndarray,
        plan: SearchPlan,
        observer: Observer | None = None,
    ) -> QueryResults:
        """Search every query of a plan.

        Args:
            ground_truth: The annotation file's content.
            query_embeddings: ``(Q, D)`` of all queries of the annotation file, on every rank.
            plan: Boxes, galleries and targets of the search.
            observer: Sees the similarities of the queries that this rank searches.

        Returns:
            Results of all queries of the plan, on every rank.
        """
        queries = query_embeddings[plan.task.query_index]
        weighted = self.weighted(plan)
        rerankers = [r.bind(ground_truth, queries, plan, weighted) for r in self.rerankers]
        share = _own_share(len(queries))
        results = search(queries, weighted, rerankers, self.memory_mb, share, observer)
        return QueryResults.concatenate(dist.all_gather_object(results))

    def weighted(self, plan: SearchPlan) -> SearchPlan:
        """Weight the embeddings of a plan's boxes by their scores, if so set.

        Args:
            plan: Boxes, galleries and targets of the search.
        """
        if not self.score_weighted:
            return plan
        boxes = plan.boxes
        embeddings = boxes.embeddings * boxes.scores[:, None]
        return replace(plan, boxes=replace(boxes, embeddings=embeddings))


def _own_share(count: int) -> slice:
    bounds = np.linspace(0, count, dist.get_world_size() + 1).astype(int)
    rank = dist.get_rank()
    return slice(int(bounds[rank]), int(bounds[rank + 1]))


_NO_HITS = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def _measured(
    block: slice,
    plan: SearchPlan,
    similarities: np.ndarray,
    found: tuple[np.ndarray, np.ndarray],
) -> QueryResults:
    task, (rows, hits) = plan.task, found
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
