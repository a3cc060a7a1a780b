from __future__ import annotations

import pytest

from mmps.datasets.converters.boxes import is_usable
from mmps.datasets.converters.log import ConversionLog


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
