from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    GroundTruth,
    confidence_intervals,
    detection_metrics,
    evaluate_predictions,
)
from mmps.evaluation.evaluator import metric_key, queries_from_detections
from mmps.structures import ConfigError, DataError


@pytest.fixture
def pair(scene):
    scene.image(1, [0, -1]).image(2, [0, 1]).query(1)
    scene.galleries(100, [[(2, scene.box(0))]]).detect(2, 0, 0.5).detect(2, 1, 0.9, score=0.2)
    return scene


def load(scene):
    return GroundTruth.load(scene.annotation_file())


def test_annotated_boxes_have_their_own_numbers(pair):
    predictions = pair.predictions(gt_embeddings=np.array([[0], [0], [0.9], [0.1]], np.float32))
    report = evaluate_predictions(load(pair), predictions, CUHKSYSUProtocol(), gt_boxes=True)
    assert report.metrics['g100/mAP'] == 0.5
    assert report.metrics['gt/g100/mAP'] == 1.0
    assert set(report.queries) == {'g100', 'gt/g100'}


def test_keys_without_a_size(pair):
    predictions = pair.predictions(gt_embeddings=np.ones((4, 1), np.float32))
    report = evaluate_predictions(
        load(pair), predictions, GenericProtocol(boxes_per_image=(1,)), gt_boxes=True
    )
    searched = {'mAP', 'gt/mAP', 'bpi1/mAP', 'best_bpi/mAP'}
    assert {key for key in report.metrics if key.endswith('mAP')} == searched


def test_other_predictions_are_refused(pair):
    other = pair.predictions(query_embeddings=np.ones((3, 1), np.float32))
    with pytest.raises(DataError, match='query_embeddings has 3 rows'):
        evaluate_predictions(load(pair), other, CUHKSYSUProtocol())


def test_a_threshold_above_every_box_is_told(pair, mm_log):
    metrics = evaluate_predictions(load(pair), pair.predictions(), CUHKSYSUProtocol()).metrics
    assert not mm_log.text
    below = pair.predictions(scores=np.array([-1.5, -0.25], np.float32))
    assert evaluate_predictions(load(pair), below, CUHKSYSUProtocol()).metrics['g100/mAP'] == 0
    sentence = (
        'none of the 2 boxes reaches the score threshold 0; the highest score is -0.25: '
        'choose a lower threshold (score_thr)'
    )
    assert sentence in mm_log.text
    lower = evaluate_predictions(load(pair), below, CUHKSYSUProtocol(), score_thr=-2)
    assert lower.metrics['g100/mAP'] == metrics['g100/mAP']


@pytest.mark.parametrize(
    ('bboxes', 'sentence'),
    [
        ([[0.2, 0.1, 0.4, 0.5], [0.1, 0.1, 0.2, 0.9]], 'these look like fractions of the image'),
        ([[50, 200, 70, 240], [150, 600, 170, 640]], 'in pixels of the image file'),
    ],
    ids=['fractions', 'another scale'],
)
def test_boxes_in_another_form_are_told(pair, mm_log, bboxes, sentence):
    other = pair.predictions(bboxes=np.array(bboxes, np.float32))
    assert evaluate_predictions(load(pair), other, CUHKSYSUProtocol()).metrics['det/recall'] == 0
    assert '0.0 % of the annotated people lie under one of the 2 boxes' in mm_log.text
    assert sentence in mm_log.text
    assert ('look like' in mm_log.text) == ('look like' in sentence)


def test_boxes_with_sizes_in_the_place_of_ends_are_told(scene, mm_log):
    scene.image(1, [0]).image(2, [0]).query(1)
    for annotation in scene.annotations:  # so that ends read as sizes are boxes still
        annotation['bbox'] = [40.0, 40.0, 60.0, 120.0]
    scene.detect(1, 0, 1.0).detect(2, 0, 0.5)
    sizes = np.array([[40, 40, 60, 120]] * 2, np.float32)
    evaluate_predictions(load(scene), scene.predictions(bboxes=sizes), GenericProtocol())
    assert 'look like x y width height' in mm_log.text


def test_a_threshold_is_a_number(pair):
    with pytest.raises(ConfigError, match=r'threshold \(score_thr\) must be a number, not NaN'):
        evaluate_predictions(load(pair), pair.predictions(), CUHKSYSUProtocol(), float('nan'))


def test_intervals_hold_the_mean(scene):
    """Eight of ten queries find their person at once."""
    scene.image(0, range(10)).image(1, range(10))
    for slot in range(10):
        scene.query(0, slot, slot).detect(1, slot, 0.0)
    embeddings = np.eye(10, dtype=np.float32)
    queries = embeddings.copy()
    queries[:2] = -queries[:2]
    predictions = scene.predictions(embeddings=embeddings, query_embeddings=queries)
    report = evaluate_predictions(load(scene), predictions, GenericProtocol())
    ends = confidence_intervals(report, ks=(1,))
    assert set(ends) == {'mAP_low', 'mAP_high', 'top1_low', 'top1_high'}
    assert ends['top1_low'] < report.metrics['top1'] == 0.8 < ends['top1_high'] <= 1.0


@pytest.mark.parametrize(
    ('setting', 'key'),
    [('', 'mAP'), ('gt/', 'gt/mAP'), ('g50', 'g50/mAP'), ('gt/g50', 'gt/g50/mAP')],
)
def test_keys(setting, key):
    assert metric_key(setting, 'mAP') == key


def test_detection_of_all_and_of_labelled_people(pair):
    metrics = detection_metrics(load(pair), pair.predictions())
    assert metrics['det/recall'] == metrics['det/AP'] == 0.5
    assert metrics['det_labelled/recall'] == pytest.approx(2 / 3)


def test_box_on_an_unlabelled_person_is_not_wrong_for_labelled_people(scene):
    scene.image(1, [-1, 0]).detect(1, 0, 0, score=0.9).detect(1, 1, 0, score=0.5)
    metrics = detection_metrics(load(scene), scene.predictions())
    assert metrics['det_labelled/AP'] == 1.0


def test_ignore_region_swallows_boxes(scene):
    scene.image(1, [0, 0]).annotations[1]['iscrowd'] = 1
    scene.detect(1, 1, 0, score=0.9).detect(1, 2, 0, score=0.8).detect(1, 0, 0, score=0.5)
    metrics = detection_metrics(load(scene), scene.predictions())
    assert (metrics['det/recall'], metrics['det/AP']) == (1.0, 0.5)


@pytest.mark.parametrize(('convention', 'recall'), [('legacy', 0.5), ('strict', 1.0)])
def test_mutual_best_may_lose_what_choosing_finds(scene, convention, recall):
    """Both boxes overlap person A most; by score, the second one takes person B."""
    scene.image(1)
    for person, x in enumerate((0.0, 6.0)):
        box = [x, 0.0, 20.0, 40.0]
        scene.annotations.append({'id': person, 'image_id': 1, 'bbox': box, 'person_id': person})
    for x, score in ((0.0, 0.9), (2.0, 0.8)):
        scene.rows.append((1, [x, 0.0, x + 20.0, 40.0], score, [0.0]))
    metrics = detection_metrics(load(scene), scene.predictions(), convention)
    assert metrics['det/recall'] == recall


def test_nobody_to_detect(scene):
    scene.image(1).detect(1, 0, 0.0)
    assert detection_metrics(load(scene), scene.predictions()) == {}


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
