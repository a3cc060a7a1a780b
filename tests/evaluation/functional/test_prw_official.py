from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation.functional.prw_official import (
    BACKGROUND,
    JUNK,
    assign_identities,
    hit_places,
    rank_hits_trapezoid,
)
from mmps.structures import UNLABELLED


def assign(bboxes, people, ids, images=None):
    detections, persons = np.nonzero(np.ones((len(bboxes), len(people))))
    images = np.zeros(len(bboxes), dtype=int) if images is None else images
    return assign_identities(
        (detections, persons),
        np.array(bboxes, dtype=float).reshape(-1, 4),
        images,
        np.array(people, dtype=float).reshape(-1, 4),
        np.array(ids, dtype=int),
    )


def test_overlap_decides():
    person = [0, 0, 99, 99]
    boxes = [[0, 0, 99, 49], [0, 0, 99, 29], [0, 0, 99, 28]]  # IoU 0.5, 0.3, 0.29 with last pixels
    identities, found = assign(boxes, [person], [7])
    assert identities.tolist() == [7, JUNK, BACKGROUND]
    assert found.tolist() == [True]


def test_unlabelled_people_make_junk():
    identities, _ = assign([[0, 0, 9, 9]], [[0, 0, 9, 9]], [UNLABELLED])
    assert identities.tolist() == [JUNK]


def test_greatest_overlap_keeps_the_identity_in_its_image():
    boxes = [[0, 0, 9, 8], [0, 0, 9, 9], [0, 0, 9, 9]]
    identities, _ = assign(boxes, [[0, 0, 9, 9]], [3])
    assert identities.tolist() == [JUNK, 3, JUNK]
    identities, _ = assign(boxes, [[0, 0, 9, 9]], [3], images=np.array([0, 1, 2]))
    assert identities.tolist() == [3, 3, 3]


def test_nobody_or_nothing():
    identities, found = assign([[0, 0, 9, 9]], [], [])
    assert (identities.tolist(), found.tolist()) == ([BACKGROUND], [])
    identities, found = assign([], [[0, 0, 9, 9]], [1])
    assert (identities.tolist(), found.tolist()) == ([], [False])


def test_trapezia_by_hand():
    """Hits at 1 and 3 of 2 targets: ((1 + 1) / 2 + (1/2 + 2/3) / 2) / 2."""
    ranked = rank_hits_trapezoid(np.array([0.9, 0.8, 0.7]), np.array([0, 2]), 2)
    assert ranked.average_precision == pytest.approx((1 + 7 / 12) / 2)
    assert (ranked.first_rank, ranked.num_outranked) == (1, 1)


def test_places_after_1000_do_not_count():
    row = np.linspace(1, 0, 1002)
    assert rank_hits_trapezoid(row, np.array([999]), 1).first_rank == 1000
    late = rank_hits_trapezoid(row, np.array([1000]), 1)
    assert (late.average_precision, late.first_rank, late.num_outranked) == (0.0, 0, 1)


def test_equal_boxes_keep_their_order():
    assert hit_places(np.array([0.5, 0.5, 0.7, 0.5]), np.array([1, 3]), 10).tolist() == [3, 4]
