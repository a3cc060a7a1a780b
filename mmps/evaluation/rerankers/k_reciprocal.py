"""k-reciprocal re-ranking as a step of the search."""

from __future__ import annotations

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError

from ..functional.k_reciprocal import k_reciprocal_distances
from ..functional.ranking import most_similar
from ..search import Reranker, SearchPlan


@TASK_UTILS.register_module()
class KReciprocal:
    """Put the short list of each query in a new order; nothing enters or leaves it.

    The boxes of the short list share out the similarities that they had.

    Args:
        length: number of boxes in the short list.
        k1: number of neighbours that have to be mutual.
        k2: number of neighbours whose encodings are averaged.
        original_weight: weight of the original distance, in 0..1.

    Raises:
        ConfigError: if a number is less than 1.
    """

    def __init__(
        self, length: int = 100, k1: int = 20, k2: int = 6, original_weight: float = 0.3
    ) -> None:
        if min(length, k1, k2) < 1:
            raise ConfigError(
                f'mmps.KReciprocal: length {length}, k1 {k1} and k2 {k2} must be at least 1.'
            )
        self.length = length
        self.k1 = k1
        self.k2 = k2
        self.original_weight = original_weight

    def prepare(
        self,
        ground_truth: GroundTruth,
        query_embeddings: np.ndarray,
        plan: SearchPlan,
        weighted: SearchPlan,
    ) -> Reranker:
        """Bind the revision to one search.

        Args:
            ground_truth: not used.
            query_embeddings: ``(Q, D)`` in the order of the plan's queries.
            plan: its boxes, unweighted, are compared with each other.
            weighted: not used.
        """
        del ground_truth, weighted
        gallery = plan.detections.embeddings

        def rerank(similarities: np.ndarray, block: slice) -> np.ndarray:
            for row, query in zip(similarities, range(block.start, block.stop), strict=True):
                short = most_similar(row, self.length)
                world = np.concatenate([query_embeddings[query : query + 1], gallery[short]])
                world = world.astype(similarities.dtype, copy=False)
                distances = k_reciprocal_distances(
                    world @ world.T, self.k1, self.k2, self.original_weight
                )
                row[short[np.argsort(distances, kind='stable')]] = row[short]
            return similarities

        return rerank
