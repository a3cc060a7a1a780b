"""What the annotation alone decides is said before there are predictions."""

from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    GroundTruth,
    PersonSearchMetric,
    PRWOfficialProtocol,
    PRWProtocol,
    evaluate_predictions,
)
from mmps.structures import DataError

RULES = [GenericProtocol(), GenericProtocol(True), PRWProtocol(), PRWProtocol(True)]
RULES += [PRWOfficialProtocol(), PRWOfficialProtocol(convention='strict')]
ACROSS = [rule for rule in RULES if rule.across_cameras]


def check(protocol, scene):
    protocol.check(GroundTruth.load(scene.annotation_file()))


def name(protocol):
    return f'{type(protocol).__name__}-{protocol.across_cameras}-{protocol.convention}'


@pytest.mark.parametrize('protocol', ACROSS, ids=name)
def test_cameras_that_are_missing(protocol, scene):
    scene.image(1, [0]).image(2, [0], camera=1).query(1)
    with pytest.raises(DataError, match='without camera_id'):
        check(protocol, scene)


@pytest.mark.parametrize('protocol', RULES, ids=name)
def test_everybody_in_one_camera(protocol, scene, mm_log):
    scene.image(1, [0], camera=4).image(2, [0, 1], camera=4).image(3, [1], camera=4)
    scene.query(1, camera=4).query(2, slot=1, person=1, camera=4)
    if not protocol.across_cameras:
        check(protocol, scene)
    else:
        with pytest.raises(
            DataError, match=r'no query of 2 .* person is in camera 4 only.*count all'
        ):
            check(protocol, scene)
    assert not mm_log.text


@pytest.mark.parametrize('protocol', RULES, ids=name)
def test_nobody_is_seen_twice(protocol, scene):
    scene.image(1, [0], camera=1).image(2, [1], camera=2)
    scene.query(1, camera=1).query(2, person=1, camera=2).query(1, person=9, camera=1)
    with pytest.raises(DataError, match=r'1 x no box has .*2 x .* own image only; check the ident'):
        check(protocol, scene)


@pytest.mark.parametrize('protocol', RULES, ids=name)
def test_some_queries_are_counted_aloud(protocol, scene, mm_log):
    scene.image(1, [0, 1], camera=1).image(2, [0], camera=2)
    scene.query(1, camera=1).query(2, camera=2).query(1, slot=1, person=1, camera=1)
    check(protocol, scene)
    assert '1 of 3 queries has nobody to find and does not count: their person' in mm_log.text


@pytest.mark.parametrize('protocol', [*RULES[:4], CUHKSYSUProtocol()], ids=name)
def test_nothing_is_searched_without_queries(protocol, scene, mm_log):
    scene.image(1, [0], camera=1).galleries(100, [])
    check(protocol, scene)
    assert not mm_log.text


@pytest.mark.parametrize('size', [100, 'full'])
def test_lists_that_show_nobody(scene, size):
    scene.image(1, [0]).image(2, [0]).query(1).galleries(100, [[(2, None)]])
    with pytest.raises(DataError, match=r'no query of 1 .*galleries list no box of their person'):
        check(CUHKSYSUProtocol(size), scene)


def test_counts_are_those_of_the_search(scene):
    generator = np.random.default_rng(0)
    for image in range(1, 13):
        scene.image(image, generator.integers(0, 6, 3).tolist(), camera=int(image % 3))
    for row in scene.annotations:
        if row['id'] % 4 == 0:
            scene.query(row['image_id'], row['id'] % 3, row['person_id'], row['image_id'] % 3)
    for row in scene.annotations:  # all that can be found is detected
        scene.detect(row['image_id'], int(row['bbox'][0]) // 100, 1.0)
    ground_truth = GroundTruth.load(scene.annotation_file())
    for protocol in RULES:
        prepared = protocol.prepare(ground_truth)
        ((_, queries, targets),) = protocol.findable(prepared)
        ((_, plan),) = protocol.plans(prepared, scene.predictions())
        np.testing.assert_array_equal(queries, plan.task.query_index)
        np.testing.assert_array_equal(targets > 0, plan.task.num_targets > 0)


def test_a_search_that_was_not_checked_says_why(scene):
    scene.image(1, [0], camera=7).image(2, [0], camera=7).query(1, camera=7).detect(2, 0, 0.9)
    ground_truth = GroundTruth.load(scene.annotation_file())
    with pytest.raises(DataError, match='camera 7 only'):
        evaluate_predictions(ground_truth, scene.predictions(), GenericProtocol(True))


def test_the_metric_refuses_before_a_pass(scene):
    scene.image(1, [0], camera=1).image(2, [0], camera=1).query(1, camera=1)
    protocol = {'type': 'mmps.GenericProtocol', 'cross_camera': True}
    with pytest.raises(DataError, match='camera 1 only'):
        PersonSearchMetric(str(scene.annotation_file()), protocol)
    PersonSearchMetric(str(scene.annotation_file()), {'type': 'mmps.GenericProtocol'})
