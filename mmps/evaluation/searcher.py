"""How a search is carried out, whatever the protocol: weighting, re-ranking, memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from mmengine import dist

from mmps.formats.ground_truth import GroundTruth
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError

from .results import QueryResults
from .search import SearchPlan, search


@TASK_UTILS.register_module()
class Searcher:
    """Carries out searches; under ``torchrun`` the ranks share the queries.

    Args:
        score_weighted: multiply each similarity by the score of the box (NAE, SeqNet: CWS).
        rerankers: configs of revisions of the similarities, applied in order.
        memory_mb: bound on the similarities and masks that exist at one time, in MiB.

    Raises:
        ConfigError: if the bound is not a positive number.
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
        self, ground_truth: GroundTruth, query_embeddings: np.ndarray, plan: SearchPlan
    ) -> QueryResults:
        """Search every query of a plan.

        Args:
            ground_truth: the annotation file's content.
            query_embeddings: ``(Q, D)`` of all queries of the annotation file, on every rank.
            plan: what is searched where.

        Returns:
            Results of all queries of the plan, on every rank.
        """
        queries = query_embeddings[plan.task.query_index]
        weighted = self.weighted(plan)
        rerankers = [r.prepare(ground_truth, queries, plan, weighted) for r in self.rerankers]
        share = _own_share(len(queries))
        results = search(queries, weighted, rerankers, self.memory_mb, share)
        return QueryResults.concatenate(dist.all_gather_object(results))

    def weighted(self, plan: SearchPlan) -> SearchPlan:
        """Weight the embeddings of a plan's boxes by their scores, if so set.

        Args:
            plan: what is searched where.
        """
        if not self.score_weighted:
            return plan
        detections = plan.detections
        embeddings = detections.embeddings * detections.scores[:, None]
        return replace(plan, detections=replace(detections, embeddings=embeddings))


def _own_share(count: int) -> slice:
    bounds = np.linspace(0, count, dist.get_world_size() + 1).astype(int)
    rank = dist.get_rank()
    return slice(int(bounds[rank]), int(bounds[rank + 1]))
