"""The numbers that the paper reports (Loesch et al., ICIP 2019): the one place that holds them.

Letters of data sets: m MOT17Det, w WIDER Pedestrian, c CUHK-SYSU, p PRW. Percent, as printed; what
the paper leaves out is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Numbers = Mapping[str, Mapping[str, float]]
"""Percent by row and column."""


def _rows(columns: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> Numbers:
    return {
        name: {c: v for c, v in zip(columns, values, strict=True) if v is not None}
        for name, values in rows.items()
    }


def _c(*keys: str) -> list[str]:
    return [f'c/{boxes}{size}/{key}' for boxes, key in _split(keys) for size in ('small', 'large')]


def _split(keys: Sequence[str]) -> list[tuple[str, str]]:
    return [('gt/', k.removeprefix('gt/')) if k.startswith('gt/') else ('', k) for k in keys]


TABLE_1A = _rows(
    ['p/bpi5/mAP', 'p/bpi5/top1', *_c('mAP', 'top1')],
    {
        'Disj.': (13.3, 32.3, 72.1, 50.1, 74.1, 53.3),
        'J2': (25.2, 47.0, 76.4, 49.2, 76.7, 51.3),
        'J3': (22.5, 45.1, 79.4, 55.8, 80.5, 58.9),
        'J4': (12.3, 27.3, 76.7, 53.3, 77.8, 56.0),
        'Xiao2016': (None, None, 55.7, None, 62.7, 42.5),
        'JDI+OIM': (21.3, 49.9, 75.5, 51.0, 78.7, None),
        'IAN': (23.0, 61.8, 77.2, 55.0, 80.7, None),
        'Chen2018': (None, None, 78.8, None, 80.9, None),
        'I-Net': (None, None, 79.5, 53.5, 81.5, None),
        'Liu2018': (21.0, 63.1, 79.8, None, 79.9, None),
        'JDI+IEL': (24.3, 69.5, 79.4, 58.0, 79.7, None),
        'NPSM': (24.2, 53.1, 77.9, 54.0, 81.2, None),
    },
)
"""Keys are ``TEST SET/METRIC``: ``small`` and ``large`` are CUHK-SYSU's galleries of 100 and 4,000
images, ``gt`` means ground-truth boxes. IAN, Liu2018 and JDI+IEL report 3 boxes per image on PRW.
"""

TABLE_1B = {
    'Disj.': {1: {5: 17.0, 20: 7.4}, 4: {5: 13.6, 20: 6.6}, 8: {5: 12.9, 20: 6.4}},
    'J2': {1: {5: 12.3, 20: 3.9}, 4: {5: 8.3, 20: 2.7}, 8: {5: 7.4, 20: 2.5}},
    'J3': {1: {5: 12.2, 20: 3.4}, 4: {5: 7.8, 20: 2.4}, 8: {5: 7.2, 20: 2.2}},
    'J4': {1: {5: 11.1, 20: 2.9}, 4: {5: 7.1, 20: 1.9}, 8: {5: 6.5, 20: 1.9}},
}
"""Milliseconds per person by variant, batch and people per image."""

TABLE_1C = _rows(
    [*_c('mAP', 'top1'), 'c/det/AP', 'p/det/AP'],
    {
        'J2_p': (31.5, 14.9, None, None, 30, 81),
        'J2_mwp': (54.4, 29.4, 55.4, 31.9, 60, 79),
        'J3_p': (29.8, 13.9, None, None, 30, 81),
        'J3_mwp': (54.6, 28.1, None, None, 60, 79),
        'J4_p': (22.8, 8.8, None, None, 30, 81),
        'J4_mwp': (52.5, 27.8, None, None, 60, 79),
    },
)
"""The detector's AP stands in the text of section 3.2."""

TABLE_1D = _rows(
    _c('mAP', 'top1', 'gt/mAP', 'gt/top1'),
    {
        'J2_c': (71.4, 43.6, 71.6, 45.5, 78.6, 50.3, 78.0, 52.3),
        'J2': (76.4, 49.2, 76.7, 51.3, 81.9, 54.9, 81.0, 56.5),
        'J3_c': (75.5, 48.1, 76.4, 50.3, 81.2, 54.2, 80.9, 56.5),
        'J3': (79.4, 55.8, 80.5, 58.9, 84.4, 60.9, 84.0, 63.1),
        'J4_c': (62.9, 33.3, 62.3, 33.8, 68.5, 37.1, 67.1, 37.2),
        'J4': (76.7, 53.3, 77.8, 56.0, 81.6, 57.1, 81.3, 58.8),
    },
)

IMAGES = {'m': 5316, 'w': 11500, 'c': 11206, 'p': 5704}
"""Training images of each data set, section 3.1."""

TEST_IMAGES = {'c': 6978, 'p': 6112}
IDENTITIES = {'c': 5532, 'p': 483}
"""Identities in the training set."""
