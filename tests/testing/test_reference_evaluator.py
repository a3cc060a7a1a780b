"""Cases worked out by hand, so that the reference itself is not taken on trust."""

from __future__ import annotations

import numpy as np
import pytest

from mmps.testing import reference_evaluator as reference
from mmps.testing import reference_prw_official as official
from mmps.testing.reference_evaluator import Person, Query

A, B, FAR = [0, 0, 20, 40], [1, 0, 21, 40], [100, 0, 120, 40]


def boxes(*rows):
    """(box, similarity) of one image."""
    return [row[0] for row in rows], [1.0] * len(rows), np.array([[row[1]] for row in rows])


def search(entries, detections, legacy=True):
    return reference.search_one_query(np.array([1.0]), entries, detections, legacy)


def test_second_place_is_worth_a_half():
    ap, ranking = search([(0, A), (1, None)], {0: boxes((A, 0.8)), 1: boxes((A, 0.9))})
    assert ap == 0.5
    assert reference.first_rank(ranking) == 2


def test_second_good_box_is_wrong_and_a_missed_person_counts():
    ap, _ = search([(0, A), (1, A)], {0: boxes((A, 0.8), (B, 0.9))})
    assert ap == 0.5


@pytest.mark.parametrize(('legacy', 'expected'), [(True, 0.5), (False, 1.0)])
def test_repeated_image(legacy, expected):
    assert search([(0, A), (0, A)], {0: boxes((A, 0.9))}, legacy)[0] == expected


def test_overlaps_by_hand():
    assert reference.iou(A, B) == pytest.approx(19 / 21)
    assert reference.iou([0, 0, 9, 9], [9, 0, 18, 9], last_pixel=1) == pytest.approx(10 / 190)
    assert reference.size_aware_threshold([0, 0, 12, 34]) == pytest.approx(408 / 968)


def test_detection_by_hand():
    """One of two people found, one box on nobody before it."""
    found = ([A, FAR], [0.5, 0.9], np.zeros((2, 1)))
    assert reference.detection_recall_and_ap({0: [A], 1: [A]}, {0: found}) == (0.5, 0.25)


def test_official_rule_by_hand():
    """A stranger comes first: (0 + 1/2) / 2; the own camera's box and junk have no place."""
    people = [Person(0, A, 1), Person(1, A, 1), Person(1, FAR, 2), Person(0, FAR, -1)]
    detections = {
        0: boxes((A, 0.9), (FAR, 0.95)),
        1: boxes((A, 0.5), (FAR, 0.8), ([10, 0, 30, 40], 0.99)),
    }
    area, first = official.search_one_query(
        Query(2, 1, camera=1),
        np.array([1.0]),
        {0: 1, 1: 2, 2: 1},
        detections,
        official.assign(detections, people),
        score_thr=0.0,
    )
    assert (area, first) == (0.25, 2)
