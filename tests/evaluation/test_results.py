from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation.results import bootstrap_interval
from mmps.structures import ConfigError


def test_equals_the_normal_interval_of_a_mean():
    values = np.random.default_rng(0).normal(0.5, 0.2, size=400)
    low, high = bootstrap_interval(values, draws=4000)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_equal_values_have_no_spread():
    assert bootstrap_interval(np.full(7, 0.25)) == pytest.approx((0.25, 0.25))


def test_seeded():
    values = np.arange(10.0)
    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


@pytest.mark.parametrize('draws', [0, -5])
def test_no_draws(draws):
    with pytest.raises(ConfigError, match=f'bootstrap draws must be positive, not {draws}'):
        bootstrap_interval(np.arange(3.0), draws)
