from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import GenericProtocol, GroundTruth, evaluate_predictions
from mmps.evaluation.rerankers.k_reciprocal import k_reciprocal_distances
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError


def walk(scene, angles):
    """One detection per image at these angles from the query; the last one is the person."""
    scene.image(0, [0]).query(0)
    for image, _ in enumerate(angles, start=1):
        scene.image(image, [0 if image == len(angles) else image]).detect(image, 0, 0.0)
    radians = np.deg2rad(np.array(angles, dtype=np.float32))
    predictions = scene.predictions(
        embeddings=np.stack([np.cos(radians), np.sin(radians)], axis=1),
        query_embeddings=np.array([[1, 0]], dtype=np.float32),
    )
    return GroundTruth.load(scene.annotation_file()), predictions


def similarities_after(ground_truth, predictions, **options):
    protocol = GenericProtocol(searcher={'rerankers': [{'type': 'mmps.KReciprocal', **options}]})
    (_, plan), *_ = protocol.plans(ground_truth, predictions)
    queries = predictions.query_embeddings
    (reranker,) = protocol.searcher.rerankers
    rerank = reranker.bind(ground_truth, queries, plan, plan)
    row = queries @ plan.boxes.embeddings.T
    return row.copy(), rerank(row, slice(0, 1))


def test_the_short_list_shares_out_its_similarities(scene):
    ground_truth, predictions = walk(scene, [-30, 10, 20, 31, 60])
    before, after = similarities_after(ground_truth, predictions, length=4, k1=2, k2=1)
    assert after[0, 4] == before[0, 4]
    assert sorted(after[0]) == sorted(before[0])
    short = [1, 2, 0, 3]
    world = np.concatenate([predictions.query_embeddings, predictions.embeddings[short]])
    order = np.argsort(k_reciprocal_distances(world @ world.T, 2, 1, 0.3), kind='stable')
    assert np.argsort(-after[0])[:4].tolist() == [short[i] for i in order]


def test_mutual_neighbours_overtake_a_loner(scene):
    """At -29 degrees nobody is near; the person at 30 is near those at 10 and 20."""
    ground_truth, predictions = walk(scene, [-29, 10, 20, 30])
    plain = evaluate_predictions(ground_truth, predictions, GenericProtocol())
    rerankers = [{'type': 'mmps.KReciprocal', 'k1': 3, 'k2': 1, 'original_weight': 0.0}]
    protocol = GenericProtocol(searcher={'rerankers': rerankers})
    revised = evaluate_predictions(ground_truth, predictions, protocol)
    assert plain.queries[''].first_rank.tolist() == [4]
    assert revised.queries[''].first_rank.tolist() == [3]


@pytest.mark.parametrize('name', ['length', 'k1', 'k2'])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(ConfigError, match=f'mmps.KReciprocal: .*{name} 0.* must be at least 1'):
        TASK_UTILS.build({'type': 'mmps.KReciprocal', name: 0})


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


@pytest.mark.parametrize(('k1', 'k2'), [(1, 1), (4, 2), (7, 3)])
def test_equals_the_sets(k1, k2):
    for seed in range(20):
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
