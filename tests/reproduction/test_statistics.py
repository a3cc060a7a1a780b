from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mmps.reproduction.statistics import DOES_NOT, SHOWS, UNDECIDED, estimate, verdict


@pytest.mark.parametrize('count', [2, 3, 7])
def test_the_interval_is_that_of_the_t_test(count):
    values = np.random.default_rng(count).normal(0.3, 0.1, count)
    found = estimate(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(values.mean())
    assert found.half == pytest.approx(found.mean - found.low)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(0.2, 0.05, (1000, 3))
    inside = [e.low < 0.2 < e.high for e in map(estimate, draws)]
    assert 0.93 < np.mean(inside) < 0.97


def test_one_seed_has_no_interval_and_decides_nothing():
    found = estimate([0.4])
    assert (found.mean, found.low, found.high, found.half) == (0.4, None, None, None)
    assert verdict(found) == UNDECIDED


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ((0.05, 0.06, 0.055), SHOWS),
        ((-0.05, -0.06, -0.055), DOES_NOT),
        ((0.001, 0.002, 0.0), DOES_NOT),  # at most a third of a point
        ((0.05, 0.10, -0.02), UNDECIDED),
    ],
)
def test_the_whole_interval_decides(values, expected):
    assert verdict(estimate(values)) == expected
