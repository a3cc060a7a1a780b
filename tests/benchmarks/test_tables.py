from __future__ import annotations

import pytest

from mmps.benchmarks import Quartiles
from mmps.benchmarks.tables import as_json, digits, spread, table


@pytest.mark.parametrize(
    ('value', 'text'),
    [(0.08776, '0.0878'), (1.0, '1.00'), (12.34, '12.3'), (123.4, '123'), (4567.8, '4568')],
)  # fmt: skip
def test_three_digits(value, text):
    assert digits(value) == text


def test_median_and_quartiles():
    figures = {'median': 2.0, 'low': 0.5, 'high': 40.0}
    assert spread(figures) == '2.00 (0.500-40.0)'
    assert spread(figures, 100) == '200 (50.0-4000)'


def test_quartiles_become_dictionaries_wherever_they_are():
    found = as_json({'a': [{'b': Quartiles(1.0, 0.5, 2.0)}], 'c': 'text'})
    assert found == {'a': [{'b': {'median': 1.0, 'low': 0.5, 'high': 2.0}}], 'c': 'text'}


def test_markdown():
    assert table(('a', 'b'), [(1, 'x')]) == '| a | b |\n| --- | --- |\n| 1 | x |\n'
