from __future__ import annotations

import pytest

from mmps.visualization.figures import SERIES
from mmps.visualization.naming import KNOWN, colours, readable_name


@pytest.mark.parametrize(
    ('key', 'name'),
    [
        ('j4', 'J4'),
        ('disjoint', 'Disj.'),
        ('untrained_j3', 'untrained J3'),
        ('colour', 'colour stripes'),
        ('joint-j3_retinanet_r50_fpn_c', 'joint-j3_retinanet_r50_fpn_c'),
    ],
)
def test_readable_names(key, name):
    assert readable_name(key) == name


def test_systems_have_their_colour_and_others_one_that_is_free():
    chosen = colours(['detector', 'J3', 'a run', 'J2', 'another'])
    assert chosen[0] == KNOWN['detector']
    assert (chosen[1], chosen[3]) == (KNOWN['J3'], KNOWN['J2'])
    assert len(set(chosen)) == 5


def test_colours_repeat_where_there_are_too_few():
    chosen = colours([f'run {number}' for number in range(len(SERIES) + 1)])
    assert chosen == [*SERIES, SERIES[0]]
