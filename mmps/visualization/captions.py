"""Hits in words: when, where, how sure."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

FIRST_DATE = 86_400.0 * 365
"""Times before 1971 are those of videos that count from their own beginning."""


def shown_time(time: float | None) -> str:
    """Write a time as people read it: local date and time, or minutes and seconds of a video.

    Args:
        time: Seconds since 1970 or since a video's beginning.
    """
    if time is None or math.isnan(time):
        return '-'
    if time < FIRST_DATE:
        return f'{int(time // 3600)}:{int(time // 60 % 60):02}:{time % 60:04.1f}'
    return datetime.fromtimestamp(time).strftime('%Y-%m-%d %H:%M:%S')


def wrong_rate(hit: dict[str, Any]) -> str:
    """Write how often hits of such a similarity are wrong, as far as the model's test shows it.

    Args:
        hit: With ``calibration``: pairs of other people among all that were at least as similar.
    """
    counts = hit.get('calibration')
    if not counts or not counts['pairs']:
        return 'unknown' if counts else ''
    wrong, pairs = counts['wrong'], counts['pairs']
    if not wrong:
        return f'none of {pairs:,}'
    if 2 * wrong > pairs:
        return f'{10 * wrong / pairs:.1f} of 10'
    return f'1 of {pairs / wrong:,.0f}'


def place(hit: dict[str, Any]) -> str:
    """Name the image or frame of a hit."""
    return hit['source'] + ('' if hit['frame'] is None else f'  frame {hit["frame"]}')


def stay(hit: dict[str, Any]) -> str:
    """Write how long the visit of a hit was, where hits stand for visits."""
    visit = hit.get('visit')
    if not visit or visit['boxes'] < 2 or math.isnan(visit['since']):
        return ''
    since, until = (shown_time(visit[moment]) for moment in ('since', 'until'))
    day = since.partition(' ')[0]
    return f'  from {since.removeprefix(day).strip() or since} to {until.removeprefix(day).strip()}'


def caption(hit: dict[str, Any]) -> list[str]:
    """Describe a hit below its scene."""
    camera = [f'camera {hit["camera"]}'] if hit['camera'] else []
    when = [] if hit['time'] is None else [shown_time(hit['time'])]
    when += [f'there{stay(hit)}'] if stay(hit) else []
    rate = wrong_rate(hit)
    sure = [f'{rate} wrong at this similarity'] if rate not in ('', 'unknown') else []
    first = f'{hit["rank"]}    similarity {hit["similarity"]:.3f}'
    return [first, *sure, *when, *camera, place(hit)]
