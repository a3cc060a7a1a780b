"""What a search shows and writes: a table, JSON, a sheet, evidence."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

RATE = 14
"""Width of the column that says how many such hits are wrong."""

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


def print_hits(hits: list[dict[str, Any]]) -> None:
    """Print hits as a table.

    Args:
        hits: As ``--json`` writes them.
    """
    if not hits:
        print('nobody in the gallery meets the conditions')
        return
    wrong = any('calibration' in hit for hit in hits)
    times = [shown_time(hit['time']) for hit in hits]
    cameras = [hit['camera'] or '-' for hit in hits]
    wide, far = max(6, *map(len, cameras)), max(4, *map(len, times))
    rates = f'  {"wrong":<{RATE}}' if wrong else ''
    print(f'{"rank":>4}  {"similarity":>10}{rates}  {"camera":<{wide}}  {"time":<{far}}  source')
    for hit, camera, moment in zip(hits, cameras, times, strict=True):
        rate = f'  {wrong_rate(hit):<{RATE}}' if wrong else ''
        start = f'{hit["rank"]:>4}  {hit["similarity"]:>10.3f}{rate}  {camera:<{wide}}'
        print(f'{start}  {moment:<{far}}  {place(hit)}{stay(hit)}')
    if wrong:
        print("wrong: of the pairs in the model's test that were at least this similar")


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


def write_results(
    options: argparse.Namespace, described: dict[str, Any], states: Mapping[str, Any]
) -> None:
    """Write what the options ask for.

    Args:
        options: Of a search.
        described: Query and hits.
        states: Of the gallery's sources, by path.

    Raises:
        DataError: A file cannot be written.
    """
    from mmps.files import write_json
    from mmps.gallery.scenes import scenes_of
    from mmps.structures import DataError

    hits = described['hits']
    scenes, problems = scenes_of(hits, states) if options.sheet or options.evidence else ([], [])
    for problem in problems:
        print(f'not drawn: {problem}', file=sys.stderr)
    try:
        if options.json:
            write_json(Path(options.json), described)
        if options.sheet:
            _write_sheet(Path(options.sheet), described, scenes)
        if options.evidence:
            _write_evidence(Path(options.evidence), described, scenes)
    except OSError as error:
        raise DataError(
            f'{error.filename or options} cannot be written: {error.strerror}'
        ) from None


def _write_sheet(path: Path, described: dict[str, Any], scenes: list[Any]) -> None:
    from mmps.apis.image_inputs import as_pixels
    from mmps.visualization.contact_sheet import draw_sheet, save_image

    hits = described['hits']
    queries = [(as_pixels(q['image']), q['box']) for q in described['query']['images']]
    names = ', '.join(Path(query['image']).name for query in described['query']['images'])
    captions = [caption(hit) for hit in hits]
    what = 'visits' if hits and 'visit' in hits[0] else 'boxes'
    title = f'{names}: the {len(hits)} most similar {what}'
    save_image(draw_sheet(queries, list(zip(hits, scenes, strict=True)), captions, title), path)


def caption(hit: dict[str, Any]) -> list[str]:
    """Describe a hit below its scene."""
    camera = [f'camera {hit["camera"]}'] if hit['camera'] else []
    when = [] if hit['time'] is None else [shown_time(hit['time'])]
    when += [f'there{stay(hit)}'] if stay(hit) else []
    rate = wrong_rate(hit)
    sure = [f'{rate} wrong at this similarity'] if rate not in ('', 'unknown') else []
    first = f'{hit["rank"]}    similarity {hit["similarity"]:.3f}'
    return [first, *sure, *when, *camera, place(hit)]


def _write_evidence(folder: Path, described: dict[str, Any], scenes: list[Any]) -> None:
    from mmps.files import write_json
    from mmps.visualization.contact_sheet import crop_of, save_image, with_boxes

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / 'hits.json', described)
    for hit, scene in zip(described['hits'], scenes, strict=True):
        if scene is None:
            continue
        label = f'{hit["rank"]}: {hit["similarity"]:.3f}'
        name = f'{hit["rank"]:03}_{hit["id"]}'
        save_image(with_boxes(scene, [hit['box']], ['#d97706'], [label]), folder / f'{name}.jpg')
        save_image(crop_of(scene, hit['box']), folder / f'{name}_crop.png')
