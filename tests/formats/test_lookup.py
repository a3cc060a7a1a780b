from __future__ import annotations

import numpy as np
import pytest

from mmps.formats.lookup import find_positions


@pytest.mark.parametrize('scale', [1, 2**40], ids=['table', 'bisection'])
@pytest.mark.parametrize('seed', range(5))
def test_equals_a_dictionary(scale, seed):
    generator = np.random.default_rng(seed)
    ids = (generator.permutation(30)[:12] - 5) * scale
    wanted = generator.integers(-10, 40, size=50) * scale
    position = {value: index for index, value in enumerate(ids.tolist())}
    expected = [position.get(value, -1) for value in wanted.tolist()]
    assert find_positions(ids, wanted).tolist() == expected


def test_no_ids():
    assert find_positions(np.zeros(0, np.int64), np.array([3])).tolist() == [-1]
