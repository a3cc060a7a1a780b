from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.evaluation import GenericProtocol, GroundTruth, evaluate_predictions
from mmps.structures import ConfigError, DataError
from mmps.testing import reference_evaluator as reference
from mmps.testing.search_data import random_search_data


@pytest.mark.parametrize('convention', ['legacy', 'strict'])
@pytest.mark.parametrize('cross_camera', [False, True])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), images=st.integers(2, 7), queries=st.integers(1, 4))
def test_equals_the_plain_loops(
    convention, cross_camera, plain, tmp_path_factory, seed, images, queries
):
    data = random_search_data(np.random.default_rng(seed), images, 3, queries)
    annotation, _ = data.write(tmp_path_factory.mktemp('case'))
    protocol = GenericProtocol(cross_camera, convention=convention)
    ground_truth = GroundTruth.load(annotation)
    (_, plan), *_ = protocol.plans(ground_truth, data.predictions)
    results = protocol.searcher(ground_truth, data.predictions.query_embeddings, plan)
    problem = plain(data)
    legacy = convention == 'legacy'
    for i, query in enumerate(problem.queries):
        entries = reference.other_image_entries(
            query, problem.cameras, problem.people, cross_camera, legacy
        )
        ap, ranking = reference.search_one_query(
            problem.embeddings[i], entries, problem.detections, legacy
        )
        assert results.average_precision[i] == pytest.approx(ap, abs=1e-12)
        assert results.first_rank[i] == reference.first_rank(ranking)


def evaluate(scene, predictions=None, **options):
    ground_truth = GroundTruth.load(scene.annotation_file())
    predictions = predictions or scene.predictions()
    return evaluate_predictions(ground_truth, predictions, GenericProtocol(**options))


@pytest.fixture
def cameras(scene):
    """The person in camera 1 (images 1, 2) and camera 2 (image 3); a stranger in each."""
    scene.image(1, [0], camera=1).image(2, [0, 5], camera=1).image(3, [0, 6], camera=2)
    return scene.query(1, camera=1)


def test_all_images_but_the_own(cameras):
    cameras.detect(1, 0, 9.0).detect(2, 0, 0.8).detect(2, 1, 0.9).detect(3, 0, 0.7)
    metrics = evaluate(cameras).metrics
    assert metrics['mAP'] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert (metrics['top1'], metrics['top5']) == (0.0, 1.0)


def test_cross_camera_leaves_out_the_own_camera(cameras):
    cameras.detect(1, 0, 9.0).detect(2, 0, 0.8).detect(2, 1, 0.9).detect(3, 0, 0.7)
    assert evaluate(cameras, cross_camera=True).metrics['mAP'] == 1.0


def test_camera_of_a_query_may_come_from_its_image(cameras):
    cameras.queries[0]['camera_id'] = None
    cameras.detect(2, 0, 0.8).detect(3, 0, 0.7)
    assert evaluate(cameras, cross_camera=True).metrics['mAP'] == 1.0


def test_cross_camera_needs_cameras(scene):
    scene.image(1, [0]).image(2, [0], camera=1).query(1).detect(2, 0, 1.0)
    with pytest.raises(DataError, match='without camera_id'):
        evaluate(scene, cross_camera=True)


@pytest.mark.parametrize(('convention', 'expected'), [('legacy', 1.0), ('strict', 0.5)])
def test_twice_in_an_image(scene, convention, expected):
    scene.image(1, [0]).image(2, [0, 0]).query(1).detect(2, 0, 0.9)
    assert evaluate(scene, convention=convention).metrics['mAP'] == expected


def test_boxes_per_image(cameras):
    """Three images: K = 1 keeps three boxes, K = 2 all five."""
    cameras.detect(2, 0, 0.5, score=0.9).detect(3, 0, 0.6, score=0.8)
    cameras.detect(3, 1, 0.7, score=0.7).detect(2, 1, 0.8, score=0.3).detect(1, 0, 0.9, score=0.2)
    metrics = evaluate(cameras, boxes_per_image=(2, 1)).metrics
    assert metrics['bpi2/mAP'] == metrics['mAP'] == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert metrics['bpi1/mAP'] == metrics['best_bpi/mAP'] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert metrics['best_bpi/top1'] == metrics['bpi1/top1'] == 0.0


def test_a_query_without_another_appearance_does_not_count(scene):
    scene.image(1, [0, 1]).image(2, [0]).query(1, person=0).query(1, slot=1, person=1)
    report = evaluate(scene.detect(2, 0, 0.9))
    assert report.metrics['mAP'] == 1.0
    assert report.queries[''].num_targets.tolist() == [1, 0]


def test_nobody_to_find(scene):
    scene.image(1, [0]).image(2, [1]).query(1).detect(2, 0, 0.9)
    with pytest.raises(DataError, match=r'no query of 1 has a person to find: .* own image only'):
        evaluate(scene)


def test_ignore_regions_are_not_people(scene):
    scene.image(1, [0]).image(2, [0, 0]).query(1)
    scene.annotations[1]['iscrowd'] = 1
    report = evaluate(scene.detect(2, 0, 0.9).detect(2, 1, 0.8), convention='strict')
    assert report.queries[''].num_targets.tolist() == [1]
    assert report.metrics['mAP'] == 0.5


def test_not_a_number_of_boxes(cameras):
    with pytest.raises(ConfigError, match='must be positive numbers, not 0'):
        evaluate(cameras.detect(2, 0, 1.0), boxes_per_image=(0,))
