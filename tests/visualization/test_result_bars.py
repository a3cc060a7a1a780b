from __future__ import annotations

import json

import pytest

from mmps.structures import DataError
from mmps.visualization.result_bars import (
    BASELINE,
    TRAINED,
    draw_result_bars,
    read_results,
    readable_name,
    table_rows,
)


def test_each_variant_stands_below_its_untrained_branch(results):
    names = [(name, colours) for name, _, colours in table_rows(results)]
    assert names == [
        ('chance', BASELINE),
        ('colour stripes', BASELINE),
        ('J2, untrained', BASELINE),
        ('J2', TRAINED),
        ('J3', TRAINED),
    ]


def test_an_untrained_branch_without_its_variant_is_kept(results):
    del results['variants']['j2']
    assert 'J2, untrained' in [name for name, _, _ in table_rows(results)]


def test_bars_are_as_long_as_the_scores(results):
    figure = draw_result_bars(results)
    for axes in figure.axes:
        lengths = [round(bar.get_width(), 6) for bar in axes.patches]
        assert lengths == [1, 11, 30, 40, 20, 30, 70, 80, 50, 60]
    assert 'AP50 90.0 %, recall 95.0 %' in figure.get_suptitle()


def test_results_are_read(results, tmp_path):
    (tmp_path / 'results.json').write_text(json.dumps(results))
    assert read_results(tmp_path / 'results.json') == results


@pytest.mark.parametrize('content', ['{', '[]', '{"variants": {}}', '{"variants": {"j2": 1}}'])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / 'results.json').write_text(content)
    with pytest.raises(DataError, match=r'results\.json is not a results\.json of the quickstart'):
        read_results(tmp_path / 'results.json')


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match='does not exist'):
        read_results(tmp_path / 'results.json')


@pytest.mark.parametrize(
    ('key', 'name'),
    [
        ('j4', 'J4'),
        ('disjoint', 'disjoint'),
        ('untrained_j3', 'J3, untrained'),
        ('colour', 'colour stripes'),
    ],
)
def test_readable_names(key, name):
    assert readable_name(key) == name
