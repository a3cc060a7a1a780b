from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation.functional.budget import budget_threshold
from mmps.structures import ConfigError

SCORES = np.array([0.1, 0.9, 0.5, 0.7, 0.5])


@pytest.mark.parametrize(
    ('boxes', 'kept'), [(0.5, 1), (0.8, 2), (1, 2), (1.5, 4), (2.5, 5), (100, 5)]
)
def test_keeps_so_many_on_average(boxes, kept):
    """Two images; the tie at 0.5 stays together."""
    assert (budget_threshold(SCORES, 2, boxes) <= SCORES).sum() == kept


def test_less_than_half_a_box_keeps_the_best():
    assert (budget_threshold(SCORES, 2, 0.1) <= SCORES).sum() == 1


@pytest.mark.parametrize('boxes', [0, -1, float('nan'), float('inf')])
def test_not_positive(boxes):
    with pytest.raises(ConfigError, match='boxes per image must be positive'):
        budget_threshold(SCORES, 2, boxes)
