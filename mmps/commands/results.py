"""What a search shows and writes: a table, JSON, a sheet, evidence."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

RATE = 14
"""Width of the column that says how many such hits are wrong."""


def print_hits(hits: list[dict[str, Any]], exact: bool = True) -> None:
    """Print hits as a table.

    Args:
        hits: As ``--json`` writes them.
        exact: Whether everybody was compared.
    """
    from mmps.visualization.captions import place, shown_time, stay, wrong_rate

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
    if not exact:
        print('approximate: the index of this server may miss people who are as similar')
    if wrong:
        print("wrong: of the pairs in the model's test that were at least this similar")


def write_results(options: argparse.Namespace, described: dict[str, Any], gallery: Any) -> None:
    """Write what the options ask for.

    Args:
        options: Of a search.
        described: Query and hits.
        gallery: That was searched.

    Raises:
        DataError: A file cannot be written.
    """
    from mmps.files import write_json
    from mmps.structures import DataError
    from mmps.visualization.evidence import write_evidence

    drawn = options.sheet or options.evidence
    scenes = _scenes(gallery, described['hits'], options.blur) if drawn else []
    try:
        if options.json:
            write_json(Path(options.json), described)
        if options.sheet:
            _write_sheet(Path(options.sheet), described, scenes, options.blur)
        if options.evidence:
            write_evidence(Path(options.evidence), described, scenes)
    except OSError as error:
        raise DataError(
            f'{error.filename or options} cannot be written: {error.strerror}'
        ) from None


def _scenes(gallery: Any, hits: list[dict[str, Any]], blur: bool) -> list[Any]:
    """Read the scenes of hits, and say of which the file is gone."""
    from mmps.visualization.scenes import read_scenes

    scenes, problems = read_scenes(gallery, hits, blur)
    for problem in problems:
        print(f'not drawn: {problem}', file=sys.stderr)
    return scenes


def _write_sheet(path: Path, described: dict[str, Any], scenes: list[Any], blur: bool) -> None:
    from mmps.apis.image_inputs import as_pixels
    from mmps.visualization.blurring import blurred
    from mmps.visualization.captions import caption
    from mmps.visualization.contact_sheet import draw_sheet, save_image

    hits = described['hits']
    queries = [(as_pixels(q['image']), q['box']) for q in described['query']['images']]
    if blur:
        queries = [(blurred(image, [box]), box) for image, box in queries]
    names = ', '.join(Path(query['image']).name for query in described['query']['images'])
    captions = [caption(hit) for hit in hits]
    what = 'visits' if hits and 'visit' in hits[0] else 'boxes'
    title = f'{names}: the {len(hits)} most similar {what}'
    save_image(draw_sheet(queries, list(zip(hits, scenes, strict=True)), captions, title), path)
