"""The quick look at a column judges as a look at each value does."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmps.formats.values import (
    ABSENT,
    BOX,
    CAMERA,
    FLAG,
    IDENTITY,
    NAME,
    SIZE,
    WHOLE,
    are_fractions,
)

RULES = {
    'whole': WHOLE, 'identity': IDENTITY, 'camera': CAMERA, 'size': SIZE, 'box': BOX, 'flag': FLAG,
    'name': NAME,
}  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-2, 2),
    st.sampled_from([0.0, 1.0, 0.5, 7.0, math.nan, math.inf, -math.inf, 1e308, 1e19, 2**63 - 1,
                     2**63, -(2**63), -(2**63) + 1, 10**400, True, False]),
)  # fmt: skip
VALUES = st.one_of(
    NUMBERS,
    st.lists(NUMBERS, min_size=3, max_size=5),
    st.sampled_from([None, ABSENT, '', ' ', 'x', '1', (1, 2, 3, 4)]),
)
# Columns of one kind, for which the quick look is made.
COLUMNS = st.one_of(
    st.lists(VALUES, max_size=5),
    st.lists(st.integers(-2, 2), max_size=5),
    st.lists(st.lists(NUMBERS, min_size=4, max_size=4), max_size=3),
)


@pytest.mark.parametrize('rule', RULES.values(), ids=RULES)
@given(values=COLUMNS)
def test_a_column_is_right_if_each_value_is(rule, values):
    assert rule.fits(values) == all(rule.accepts(value) for value in values)


@pytest.mark.parametrize(
    ('rule', 'right', 'wrong'),
    [
        (WHOLE, [0, -3, 7.0, 2**63 - 1, ABSENT], [None, True, '7', 0.5, math.nan, 2**63, [], {}]),
        (IDENTITY, [0, -1, 7.0, None, ABSENT], [True, '7', 0.5, math.inf, -(2**63)]),
        (SIZE, [1, 640.0], [0, -1, '640', 0.5, None]),
        (BOX, [[1, 2.5, -3, 1e6]], [[1, 2, 3], [1, 2, 3, '4'], [1, 2, 3, True], '1234', None,
                                    [1, 2, 3, math.nan], [1, 2, 3, 10**400], (1, 2, 3, 4),
                                    [1, 2, 3, 1.1e6], [1, 2, 3, 1e300], [-2e6, 2, 3, 4]]),
        (FLAG, [0, 1, True, False, 0.0, 1.0, None], ['0', 2, 0.5, math.nan, []]),
        (NAME, ['a', 'Süd'], ['', ' ', None, 3]),
    ],
)  # fmt: skip
def test_what_is_right(rule, right, wrong):
    assert all(map(rule.accepts, right))
    assert not any(map(rule.accepts, wrong))


@pytest.mark.parametrize(
    ('value', 'words'),
    [('7', "the text '7' is not a whole number"), (0.5, '0.5 is not a'), (2**63, 'beyond 64 bits')],
)
def test_what_is_said_of_a_wrong_value(value, words):
    assert words in WHOLE.complaint(value)


def test_boxes_that_are_fractions():
    assert are_fractions([[0, 0.5, 0.25, 1]])
    assert not are_fractions([])
    assert not are_fractions([[0, 0.5, 0.25, 1], [0, 0, 1.5, 1]])
