from __future__ import annotations

from mmps.benchmarks.caching import CACHE, HAND
from mmps.benchmarks.training import OURS, PLAIN
from mmps.benchmarks.training_report import training_tables

ONE = {'median': 1.0, 'low': 0.5, 'high': 2.0}
TRAINING = {
    'detection': {
        'batch': 2,
        'people': 5,
        'steps_per_second': {OURS: ONE, PLAIN: ONE},
        'ratio': {'median': 0.987, 'low': 0.96, 'high': 1.02},
    },
    'cache': [
        {
            'variant': 'J3',
            'images': 8,
            'boxes': 40,
            'boxes_per_second': {CACHE: ONE, HAND: {**ONE, 'high': 9.0}},
            'share': {**ONE, 'median': 0.95},
        }
    ],
    'reid': [{'variant': 'J3', 'boxes': 128, 'steps_per_second': ONE}],
    'evaluation': {
        'gallery_size': 100,
        'images': 60,
        'queries': 8,
        'boxes': 360,
        'seconds': ONE,
    },
}


def test_a_table_for_each_part():
    detection, cache, reid, evaluation = training_tables(TRAINING)
    assert '| ours | 2 | 1.00 (0.500-2.00) | 0.987 (0.960-1.02) |' in detection
    assert '| plain mmdet | 2 | 1.00 (0.500-2.00) | - |' in detection
    one = '1.00 (0.500-2.00)'
    assert f'| J3 | 8 | 40 | {one} | 1.00 (0.500-9.00) | 0.950 (0.500-2.00) |' in cache
    assert f'| J3 | 128 | {one} | 128 (64.0-256) |' in reid
    assert f'| 100 | 60 | 8 | 360 | {one} |' in evaluation


def test_what_was_not_measured_has_none():
    assert training_tables({}) == []
    assert len(training_tables({'reid': TRAINING['reid'], 'evaluation': None})) == 1
