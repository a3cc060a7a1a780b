from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.evaluation import GroundTruth, PRWOfficialProtocol, evaluate_predictions
from mmps.evaluation.details import write_details
from mmps.structures import DataError
from mmps.testing import reference_prw_official as reference
from mmps.testing.search_data import random_search_data


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(2, 7),
    queries=st.integers(1, 4),
    boxes=st.sampled_from([0.5, 1, 2, 50]),
)
def test_equals_the_plain_loops(plain, tmp_path_factory, seed, images, queries, boxes):
    data = random_search_data(np.random.default_rng(seed), images, 3, queries)
    annotation, _ = data.write(tmp_path_factory.mktemp('case'))
    ground_truth = GroundTruth.load(annotation)
    protocol = PRWOfficialProtocol(boxes_per_image=(boxes,))
    problem = plain(data)
    assigned = reference.assign(problem.detections, problem.people)
    scores = np.sort(data.predictions.scores)[::-1]
    count = round(boxes * images)
    threshold = scores[count - 1] if 0 < count < len(scores) else 0.0
    for (_, plan), score_thr in zip(
        protocol.plans(ground_truth, data.predictions, 0.0), [0.0, threshold], strict=True
    ):
        results = protocol.searcher(ground_truth, data.predictions.query_embeddings, plan)
        for i, query in enumerate(problem.queries):
            area, first = reference.search_one_query(
                query,
                problem.embeddings[i],
                problem.cameras,
                problem.detections,
                assigned,
                score_thr,
            )
            assert results.average_precision[i] == pytest.approx(area, abs=1e-12)
            assert results.first_rank[i] == first


@pytest.fixture
def cameras(scene):
    """The person in cameras 1 and 2, a stranger (5) and an unlabelled person beside them."""
    scene.image(1, [0], camera=1).image(2, [0, 5, -1], camera=1).image(3, [0, 5, -1], camera=2)
    return scene.query(1, camera=1)


def evaluate(scene, score_thr=0.0, calibrated=False, **options):
    ground_truth = GroundTruth.load(scene.annotation_file())
    protocol = PRWOfficialProtocol(**options)
    predictions = scene.predictions()
    return evaluate_predictions(
        ground_truth, predictions, protocol, score_thr, calibrated=calibrated
    )


def test_same_camera_and_unlabelled_boxes_are_junk(cameras):
    cameras.detect(2, 0, 0.9).detect(2, 2, 0.95).detect(3, 2, 0.9).detect(3, 0, 0.5)
    assert evaluate(cameras).metrics['mAP'] == 1.0


def test_strangers_of_the_same_camera_stay(cameras):
    """One wrong box before the only hit: (0 + 1/2) / 2."""
    cameras.detect(2, 1, 0.9).detect(3, 0, 0.5)
    metrics = evaluate(cameras).metrics
    assert metrics['mAP'] == 0.25
    assert (metrics['top1'], metrics['top5'], metrics['top20']) == (0.0, 1.0, 1.0)


def test_poorly_placed_box_is_junk_and_its_person_missed(cameras):
    """Shifted by 10 of 20 pixels: IoU 1/3."""
    cameras.detect(3, 0, 0.9, shift=10)
    report = evaluate(cameras)
    assert report.metrics['mAP'] == 0.0
    assert report.queries[''].num_undetected.tolist() == [1]


def test_second_box_on_a_person_is_junk(cameras):
    cameras.detect(3, 0, 0.9, shift=2).detect(3, 0, 0.5).detect(3, 1, 0.4)
    assert evaluate(cameras).metrics['mAP'] == 1.0


@pytest.mark.parametrize(('convention', 'expected'), [('legacy', 1.0), ('strict', 0.5)])
def test_images_without_detections(cameras, convention, expected):
    """The person is also in image 4, where nothing is detected."""
    cameras.image(4, [0], camera=3).detect(3, 0, 0.5)
    assert evaluate(cameras, convention=convention).metrics['mAP'] == expected


@pytest.mark.parametrize(('convention', 'expected'), [('legacy', 0.0), ('strict', 1.0)])
def test_identities_before_or_after_the_cut(cameras, convention, expected):
    """The better placed of two boxes has the lower score and is cut away."""
    cameras.detect(3, 0, 0.9, score=0.9, shift=2).detect(3, 0, 0.9, score=0.1)
    cameras.detect(2, 1, 0.1, score=0.8).detect(1, 0, 0.1, score=0.8)
    metrics = evaluate(cameras, convention=convention, boxes_per_image=(1,)).metrics
    assert metrics['bpi1/mAP'] == expected


@pytest.mark.parametrize(('convention', 'expected'), [('legacy', 0.0), ('strict', 1.0)])
def test_a_score_threshold_is_such_a_cut(cameras, convention, expected):
    cameras.detect(3, 0, 0.9, score=0.9, shift=2).detect(3, 0, 0.9, score=0.1)
    report = evaluate(cameras, score_thr=0.5, convention=convention)
    assert report.metrics['mAP'] == expected


@pytest.fixture
def three_cameras(scene):
    """The person in cameras 1, 2 and 3; the box in camera 3 scores 0.3, the other one 0.9."""
    scene.image(1, [0], camera=1).image(2, [0], camera=2).image(3, [0], camera=3)
    scene.query(1, camera=1).detect(2, 0, 0.9, score=0.9)
    return scene.detect(3, 0, 0.9, score=0.3)


def test_a_frame_whose_boxes_are_cut_misses_its_person(three_cameras):
    """Both ways to keep the same box give the same numbers, half of the people missed."""
    metrics = evaluate(three_cameras, score_thr=0.5, boxes_per_image=(1 / 3, 3)).metrics
    searches = [metrics[f'{key}mAP'] for key in ('', f'bpi{1 / 3:g}/', 'bpi3/')]
    assert searches == [0.5, 0.5, 0.5]


def test_calibration_knows_the_identities_before_the_cut(three_cameras, tmp_path):
    """The kept box is junk: a better placed one, which is cut away, has the identity."""
    three_cameras.detect(2, 0, 0.9, score=0.95, shift=2)
    report = evaluate(three_cameras, score_thr=0.92, calibrated=True)
    write_details(tmp_path, report, GroundTruth.load(tmp_path / 'test.json'))
    summary = json.loads((tmp_path / 'calibration.json').read_text())
    assert summary['pairs'] == {'same': 0, 'other': 0}


def test_needs_cameras(scene):
    scene.image(1, [0]).image(2, [0]).query(1).detect(2, 0, 1.0)
    with pytest.raises(DataError, match='without camera_id'):
        evaluate(scene)
