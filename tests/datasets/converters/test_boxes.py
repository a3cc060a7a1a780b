from __future__ import annotations

import pytest

from mmps.datasets.converters.boxes import is_usable, report_odd_places
from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.records import Image, Person, Split


@pytest.mark.parametrize(
    ('bbox', 'kind'),
    [
        ((1, 2, 3, 4), None),
        ((-5.5, -2, 3, 0.1), None),
        ((1, 2, 0, 4), 'without area'),
        ((1, 2, 3, -4), 'without area'),
        ((float('nan'), 2, 3, 4), 'not finite'),
        ((1, 2, float('inf'), 4), 'not finite'),
        ((1, 2e9, 3, 4), 'absurd'),
    ],
)
def test_boxes_are_kept_or_logged(bbox, kind):
    log = ConversionLog()
    assert is_usable(bbox, 'a file, line 3', log) == (kind is None)
    assert len(log.lines) == (kind is not None)
    if kind:
        assert kind in log.lines[0]
        assert 'a file, line 3' in log.lines[0]


def split_of(*bboxes):
    return Split('test', [Image('a.jpg', [Person(bbox) for bbox in bboxes], size=(160, 120))])


def test_boxes_outside_their_image_are_kept_and_counted():
    log = ConversionLog()
    split = split_of((160, 5, 9, 9), (5, 120, 9, 9), (-9, 5, 9, 9), (-8, 5, 9, 9), (1, 2, 3, 4))
    report_odd_places(split, log)
    assert log.lines == ['test.json: kept boxes that lie outside their image (3x)']
    assert len(split.images[0].people) == 5


def test_fractions_of_the_image_size_are_warned_of():
    log = ConversionLog()
    report_odd_places(split_of((0.2, 0.2, 0.3, 0.6), (0.5, 0, 0.5, 1)), log)
    (line,) = log.lines
    assert line.startswith('warning: test: the boxes seem to be fractions of the image size')
    report_odd_places(split_of((0.2, 0.2, 0.3, 2)), log)
    report_odd_places(split_of(), log)
    assert len(log.lines) == 1
