"""k-reciprocal re-ranking as a step of the search."""

from __future__ import annotations

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.registry import TASK_UTILS
from mmps.retrieval import most_similar
from mmps.structures import ConfigError

from ..search import Reranker, SearchPlan


@TASK_UTILS.register_module()
class KReciprocal:
    """Put the short list of each query in a new order; nothing enters or leaves it.

    The boxes of the short list share out the similarities that they had.

    Args:
        length: Number of boxes in the short list.
        k1: Number of neighbours that have to be mutual.
        k2: Number of neighbours whose encodings are averaged.
        original_weight: Weight of the original distance, in 0..1.

    Raises:
        ConfigError: A number is less than 1.
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

    def bind(
        self,
        ground_truth: GroundTruth,
        query_embeddings: np.ndarray,
        plan: SearchPlan,
        weighted: SearchPlan,
    ) -> Reranker:
        """Bind the revision to one search.

        Args:
            ground_truth: Not used.
            query_embeddings: ``(Q, D)`` in the order of the plan's queries.
            plan: Search plan; its unweighted boxes are compared with each other.
            weighted: Not used.
        """
        del ground_truth, weighted
        gallery = plan.boxes.embeddings

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


def k_reciprocal_distances(
    similarities: np.ndarray, k1: int, k2: int, original_weight: float
) -> np.ndarray:
    """Compare the neighbourhoods of a query and of the boxes in its short list.

    Zhong et al., *Re-ranking Person Re-identification with k-reciprocal Encoding*, CVPR 2017,
    with the query and its short list as the whole world.

    Args:
        similarities: ``(n, n)`` between the query, which is first, and its short list.
        k1: Number of neighbours that have to be mutual.
        k2: Number of neighbours whose encodings are averaged.
        original_weight: Weight of the original distance, in 0..1 (the paper's lambda).

    Returns:
        ``(n - 1,)`` distances of the short list from the query.
    """
    distances = similarities.max() - similarities.astype(np.float64)
    np.fill_diagonal(distances, 0)
    distances /= np.maximum(distances.max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    # everybody is their own nearest neighbour, before any that equals them
    order = np.argsort(distances - np.eye(len(distances)), axis=1, kind='stable')
    encodings = np.where(_neighbourhoods(order, k1), np.exp(-distances), 0)
    encodings /= encodings.sum(axis=1, keepdims=True)
    if k2 > 1:
        encodings = encodings[order[:, :k2]].mean(axis=1)
    shared = np.minimum(encodings[0], encodings[1:]).sum(axis=1)
    jaccard = 1 - shared / (2 - shared)
    return (1 - original_weight) * jaccard + original_weight * distances[0, 1:]


def _neighbourhoods(order: np.ndarray, k1: int) -> np.ndarray:
    """Find mutual neighbours, joined by the halved sets that mostly agree, ``(n, n)``."""
    mutual, halved = _mutual(order, k1), _mutual(order, max(1, round(k1 / 2)))
    agrees = mutual & (_common(mutual, halved) > 2 / 3 * halved.sum(axis=1))
    return mutual | (_common(agrees, halved) > 0)


def _common(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Count the members that two sets share, for all pairs of rows; right is symmetric."""
    # no matrix product: for such small ones, threads cost more than they bring
    return np.einsum('ik,jk->ij', left.astype(np.float32), right.astype(np.float32))


def _mutual(order: np.ndarray, k: int) -> np.ndarray:
    near = np.zeros(order.shape, dtype=bool)
    np.put_along_axis(near, order[:, : k + 1], True, axis=1)
    return near & near.T
