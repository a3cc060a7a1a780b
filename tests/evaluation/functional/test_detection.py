from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.evaluation.functional.detection import (
    average_precision,
    greedy_pairs,
    mutual_best_pairs,
)


def random_pairs(seed, people, boxes):
    """Overlaps between all people and boxes of one image; some are too small to count."""
    generator = np.random.default_rng(seed)
    overlaps = generator.integers(0, 6, size=(people, boxes)) / 5
    scores = generator.integers(0, 4, size=boxes) / 3
    items, members = np.nonzero(overlaps >= 0.5)
    return overlaps, scores, items, members


@settings(max_examples=500, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(0, 4), boxes=st.integers(0, 5))
def test_mutual_best_equals_the_loop(seed, people, boxes):
    overlaps, _, items, members = random_pairs(seed, people, boxes)
    mutual = mutual_best_pairs(items, members, overlaps[items, members], people, boxes)
    for pair, (item, member) in enumerate(zip(items, members, strict=True)):
        best = overlaps[item].argmax() == member and overlaps[:, member].argmax() == item
        assert mutual[pair] == best


@settings(max_examples=500, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(0, 4), boxes=st.integers(0, 5))
def test_greedy_equals_the_loop(seed, people, boxes):
    overlaps, scores, items, members = random_pairs(seed, people, boxes)
    chosen = greedy_pairs(items, members, overlaps[items, members], scores)
    free = set(range(people))
    expected = set()
    for member in sorted(range(boxes), key=lambda box: -scores[box]):
        options = [item for item in sorted(free) if overlaps[item, member] >= 0.5]
        if options:
            item = max(options, key=lambda person: overlaps[person, member])
            free.remove(item)
            expected.add((item, member))
    assert set(zip(items[chosen].tolist(), members[chosen].tolist(), strict=True)) == expected


def test_average_precision_by_hand():
    scores, correct = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert average_precision(scores, correct, 4) == pytest.approx((1 + 2 / 3) / 4)


def test_no_detection_and_nobody():
    nothing = np.zeros(0), np.zeros(0, dtype=bool)
    assert average_precision(*nothing, 3) == 0.0
    assert np.isnan(average_precision(*nothing, 0))
