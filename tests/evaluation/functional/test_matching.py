from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmps.evaluation.functional.matching import (
    best_of_each,
    one_to_one,
    paired_intersection,
    paired_iou,
    pairs_within_groups,
    repeated_pairs,
    size_aware_thresholds,
    with_last_pixel,
)
from mmps.testing.reference_evaluator import iou, size_aware_threshold

BOXES = st.lists(
    st.tuples(*[st.integers(0, 20)] * 4).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])),
    min_size=1,
    max_size=6,
)


@given(left=BOXES, right=BOXES)
def test_iou_equals_the_loop(left, right):
    pairs = [(a, b) for a in left for b in right]
    lefts, rights = (np.array(side, dtype=np.float32) for side in zip(*pairs, strict=True))
    expected = [iou(a, b) for a, b in pairs]
    np.testing.assert_allclose(paired_iou(lefts, rights), expected, atol=1e-12)
    wider = paired_iou(with_last_pixel(lefts), with_last_pixel(rights))
    apart = paired_intersection(with_last_pixel(lefts), with_last_pixel(rights)) == 0
    expected = [iou(a, b, last_pixel=1) for a, b in pairs]
    np.testing.assert_allclose(wider[~apart], np.array(expected)[~apart], atol=1e-12)


def test_boxes_that_touch_share_a_pixel_only_if_it_counts():
    left, right = np.array([[0, 0, 9, 9]]), np.array([[9, 0, 18, 9]])
    assert paired_iou(left, right).tolist() == [0.0]
    assert paired_iou(with_last_pixel(left), with_last_pixel(right))[0] == pytest.approx(10 / 190)


@given(boxes=BOXES)
def test_thresholds_equal_the_loop(boxes):
    expected = [size_aware_threshold(box) for box in boxes]
    np.testing.assert_allclose(size_aware_thresholds(np.array(boxes)), expected)


def test_threshold_of_a_small_person():
    assert size_aware_thresholds(np.array([[0, 0, 12, 34]]))[0] == pytest.approx(408 / 968)


@given(groups=st.lists(st.integers(0, 3)), sizes=st.tuples(*[st.integers(0, 3)] * 4))
def test_pairs_equal_the_loop(groups, sizes):
    offsets = np.cumsum([0, *sizes])
    items, members = pairs_within_groups(np.array(groups, dtype=int), offsets)
    expected = [(i, m) for i, g in enumerate(groups) for m in range(offsets[g], offsets[g + 1])]
    assert list(zip(items.tolist(), members.tolist(), strict=True)) == expected


@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3))))
def test_best_of_each_equals_the_loop(pairs):
    pairs.sort(key=lambda pair: pair[0])
    items = np.array([item for item, _ in pairs], dtype=int)
    values = np.array([value for _, value in pairs], dtype=float)
    expected = []
    for item in range(5):
        own = [i for i, (other, _) in enumerate(pairs) if other == item]
        expected.append(max(own, key=lambda i: values[i]) if own else -1)
    assert best_of_each(items, values, 5).tolist() == expected


def test_best_of_infinitely_bad():
    assert best_of_each(np.array([0]), np.array([-np.inf]), 1).tolist() == [0]


@given(pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2))))
def test_repeated_pairs_equal_the_loop(pairs):
    left = np.array([a for a, _ in pairs], dtype=int)
    right = np.array([b for _, b in pairs], dtype=int)
    expected = [[i for i, p in enumerate(pairs) if p == kind] for kind in sorted(set(pairs))]
    expected = [run for run in expected if len(run) > 1]
    assert [run.tolist() for run in repeated_pairs(left, right)] == expected


def test_one_to_one_prefers_value_then_overlap():
    items, members = np.array([0, 0, 1, 1]), np.array([5, 6, 5, 6])
    values, overlaps = np.array([0.9, 0.8, 0.9, 0.8]), np.array([0.6, 0.9, 0.7, 0.9])
    assert one_to_one(items, members, values, overlaps) == {1: 5, 0: 6}
