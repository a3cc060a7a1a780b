"""Tables of the measurements other than inference: training, the cache, evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from .caching import CACHE, HAND
from .tables import spread, table
from .training import OURS


def training_tables(training: Mapping) -> list[str]:
    """Write a table for each part that was measured.

    Args:
        training: Results ``detection``, ``cache``, ``reid`` and ``evaluation`` as the tool saves
            them; any may be missing.
    """
    writers = {
        'detection': detection_table,
        'cache': cache_table,
        'reid': reid_table,
        'evaluation': evaluation_table,
    }
    return [write(training[part]) for part, write in writers.items() if training.get(part)]


def detection_table(found: Mapping) -> str:
    """Write steps per second of phase 1, ours and mmdet's."""
    rows = [
        (name, found['batch'], spread(rate), spread(found['ratio']) if name == OURS else '-')
        for name, rate in found['steps_per_second'].items()
    ]
    head = ('training, phase 1', 'images per step', 'steps per second: median (quartiles)')
    return table((*head, 'as fast as plain mmdet, x'), rows)


def cache_table(rows: list[Mapping]) -> str:
    """Write boxes per second of cache writing and of the forward pass."""
    lines = [
        (
            row['variant'], row['images'], row['boxes'], spread(row['boxes_per_second'][CACHE]),
            spread(row['boxes_per_second'][HAND]), spread(row['share']),
        )
        for row in rows
    ]  # fmt: skip
    head = ('writing the cache', 'images', 'boxes', 'boxes per second: median (quartiles)')
    return table((*head, 'forward pass by hand', 'share of it'), lines)


def reid_table(rows: list[Mapping]) -> str:
    """Write steps and boxes per second of phase 2."""
    lines = [
        (
            row['variant'], row['boxes'], spread(row['steps_per_second']),
            spread(row['steps_per_second'], row['boxes']),
        )
        for row in rows
    ]  # fmt: skip
    head = ('training, phase 2', 'boxes per step', 'steps per second: median (quartiles)')
    return table((*head, 'boxes per second'), lines)


def evaluation_table(found: Mapping) -> str:
    """Write seconds of an evaluation."""
    keys = ('gallery_size', 'images', 'queries', 'boxes')
    head = ('evaluation: images per gallery', *keys[1:], 'seconds: median (quartiles)')
    return table(head, [(*(found[key] for key in keys), spread(found['seconds']))])
