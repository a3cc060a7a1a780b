from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation.functional.k_reciprocal import k_reciprocal_distances


def naive(similarities, k1, k2, weight):
    """Follow the paper: sets of mutual neighbours, expanded, encoded, averaged, compared."""
    n = len(similarities)
    distances = similarities.max() - similarities
    for i in range(n):
        distances[i, i] = 0
    distances = distances / distances.max(axis=1, keepdims=True)
    order = [sorted(range(n), key=lambda j, i=i: (j != i, distances[i, j])) for i in range(n)]

    def mutual(i, k):
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    encodings = np.zeros((n, n))
    for i in range(n):
        own = mutual(i, k1)
        expanded = set(own)
        for j in own:
            halved = mutual(j, max(1, round(k1 / 2)))
            if len(halved & own) > 2 / 3 * len(halved):
                expanded |= halved
        for j in expanded:
            encodings[i, j] = np.exp(-distances[i, j])
        encodings[i] /= encodings[i].sum()
    if k2 > 1:
        encodings = np.array([np.mean([encodings[j] for j in order[i][:k2]], 0) for i in range(n)])
    result = []
    for j in range(1, n):
        shared = sum(min(encodings[0, m], encodings[j, m]) for m in range(n))
        jaccard = 1 - shared / (2 - shared)
        result.append((1 - weight) * jaccard + weight * distances[0, j])
    return result


@pytest.mark.parametrize('seed', range(20))
@pytest.mark.parametrize(('k1', 'k2'), [(1, 1), (4, 2), (7, 3)])
def test_equals_the_sets(seed, k1, k2):
    rows = np.random.default_rng(seed).normal(size=(12, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    similarities = rows @ rows.T
    np.testing.assert_allclose(
        k_reciprocal_distances(similarities, k1, k2, 0.3),
        naive(similarities, k1, k2, 0.3),
        atol=1e-9,
    )


def test_all_the_weight_on_the_original_distance_keeps_the_order():
    rows = np.random.default_rng(0).normal(size=(9, 4))
    similarities = rows @ rows.T
    distances = k_reciprocal_distances(similarities, 3, 2, 1.0)
    assert np.argsort(distances).tolist() == np.argsort(-similarities[0, 1:]).tolist()


def test_one_box_and_equal_boxes():
    assert k_reciprocal_distances(np.ones((2, 2)), 20, 6, 0.3).tolist() == [0.0]
    assert np.isfinite(k_reciprocal_distances(np.zeros((4, 4)), 2, 2, 0.3)).all()
