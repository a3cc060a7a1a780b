from __future__ import annotations

import json

import pytest

from mmps.structures import DataError
from mmps.visualization.naming import KNOWN
from mmps.visualization.result_bars import UNTRAINED, draw_result_bars, read_results, table_rows


def test_rows_are_those_of_the_printed_table_in_its_order(results):
    rows = [(name, colour) for name, _, colour in table_rows(results)]
    assert rows == [
        ('J2', KNOWN['J2']),
        ('J3', KNOWN['J3']),
        ('untrained J2', UNTRAINED),
        ('chance', UNTRAINED),
        ('colour stripes', UNTRAINED),
    ]


def test_bars_are_as_long_as_the_scores(results):
    figure = draw_result_bars(results)
    assert [axes.get_title(loc='left') for axes in figure.axes] == ['detected boxes', 'GT boxes']
    for axes, boxes in zip(figure.axes, ('detected', 'gt'), strict=True):
        lengths = [bar.get_width() for bar in axes.patches]
        expected = [
            100 * scores[boxes][metric]
            for _, scores, _ in table_rows(results)
            for metric in ('mAP', 'top1')
        ]
        assert lengths == pytest.approx(expected)
    assert 'AP50 90.0 %, recall 95.0 %' in figure.get_suptitle()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['mAP', 'top-1']


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
