from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import GenericProtocol, GroundTruth, evaluate_predictions
from mmps.evaluation.functional.k_reciprocal import k_reciprocal_distances
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
    rerank = reranker.prepare(ground_truth, queries, plan, plan)
    row = queries @ plan.detections.embeddings.T
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
