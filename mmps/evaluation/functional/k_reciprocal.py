"""k-reciprocal re-ranking of a short list."""

from __future__ import annotations

import numpy as np


def k_reciprocal_distances(
    similarities: np.ndarray, k1: int, k2: int, original_weight: float
) -> np.ndarray:
    """Compare the neighbourhoods of a query and of the boxes in its short list.

    Zhong et al., *Re-ranking Person Re-identification with k-reciprocal Encoding*, CVPR 2017,
    with the query and its short list as the whole world.

    Args:
        similarities: ``(n, n)`` between the query, which is first, and its short list.
        k1: number of neighbours that have to be mutual.
        k2: number of neighbours whose encodings are averaged.
        original_weight: weight of the original distance, in 0..1 (the paper's lambda).

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
