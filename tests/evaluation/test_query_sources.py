from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import GenericProtocol, GroundTruth, evaluate_predictions
from mmps.evaluation.query_sources import queries_from_detections


@pytest.fixture
def two_queries(scene):
    """Two people in images 1 and 2; in image 3 nothing is detected."""
    scene.image(1, [0, 1]).image(2, [0, 1]).image(3, [1]).query(1).query(3, person=1)
    scene.detect(1, 0, 0.3, shift=9).detect(1, 0, 0.5, score=0.1, shift=2).detect(1, 1, 0.7)
    scene.detect(2, 0, 0.9).detect(2, 1, 0.8)
    return scene, GroundTruth.load(scene.annotation_file())


def test_takes_the_greatest_overlap(two_queries):
    scene, ground_truth = two_queries
    predictions, unseen = queries_from_detections(scene.predictions(), ground_truth)
    np.testing.assert_allclose(predictions.query_embeddings, [[0.5], [0.0]])
    assert unseen.tolist() == [False, True]


def test_any_overlap_will_do(scene):
    scene.image(1, [0]).image(2, [0]).query(1).detect(1, 3, 0.25)
    ground_truth = GroundTruth.load(scene.annotation_file())
    predictions, unseen = queries_from_detections(scene.predictions(), ground_truth)
    assert (predictions.query_embeddings.tolist(), unseen.tolist()) == ([[0.25]], [False])


@pytest.mark.parametrize(('convention', 'expected'), [('legacy', 1.0), ('strict', 0.5)])
def test_query_without_detections(two_queries, convention, expected):
    """Under legacy it is left out, as in PSTR; under strict it finds nothing."""
    scene, ground_truth = two_queries
    report = evaluate_predictions(
        ground_truth,
        scene.predictions(),
        GenericProtocol(convention=convention),
        detected_queries=True,
    )
    assert report.metrics['mAP'] == report.metrics['top1'] == expected


def test_source_is_chosen_before_the_score_threshold(two_queries):
    scene, ground_truth = two_queries
    report = evaluate_predictions(
        ground_truth,
        scene.predictions(),
        GenericProtocol(),
        score_thr=0.5,
        detected_queries=True,
    )
    np.testing.assert_allclose(report.searched.query_embeddings[0], [0.5])
    assert len(report.searched.scores) == 4
