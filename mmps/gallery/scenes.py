"""The images in which hits were found, read again from their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmps.structures import DataError

from .base import Gallery, Progress
from .rows import STILL, Where
from .sources.seeking import read_again
from .streams.addresses import is_stream
from .streams.crops import scene_from_crop


def scenes_of(
    hits: Sequence[dict[str, Any]],
    states: Mapping[str, Progress],
    crops: Sequence[Path] = (),
) -> tuple[list[np.ndarray | None], list[str]]:
    """Read the scene of each hit, each file once.

    Args:
        hits: As :func:`mmps.gallery.exporting.describe` returns them.
        states: Of the gallery's sources.
        crops: Folders of crops that were kept of streams: see :func:`crop_folders`.

    Returns:
        ``(H, W, 3)`` uint8 BGR for each hit, ``None`` where its file cannot be read any more, and
        why not.
    """
    wanted: dict[str, dict[int, float]] = defaultdict(dict)
    kept: dict[str, np.ndarray] = {}
    for hit in hits:
        if is_stream(hit['source']):
            scene = scene_from_crop(hit, states.get(hit['source']), list(crops))
            if scene is not None:
                kept[hit['id']] = scene
            continue
        start = states[hit['source']].start if hit['source'] in states else 0.0
        wanted[hit['source']][_number(hit)] = (hit['time'] or 0.0) - start
    found: dict[tuple[str, int], np.ndarray] = {}
    problems = []
    for source, times in wanted.items():
        try:
            found.update({(source, number): image for number, image in read_again(source, times)})
        except DataError as error:
            problems.append(str(error))
    scenes = [kept.get(hit['id'], found.get((hit['source'], _number(hit)))) for hit in hits]
    if any(is_stream(hit['source']) and hit['id'] not in kept for hit in hits):
        problems.append('a live stream cannot be read again: index it with --keep-crops')
    return scenes, problems


def _number(hit: Mapping[str, Any]) -> int:
    return STILL if hit['frame'] is None else hit['frame']


def people_of(gallery: Gallery, hits: Sequence[dict[str, Any]]) -> list[np.ndarray]:
    """Find everybody whom a gallery knows in the scenes of hits.

    Args:
        gallery: That was searched.
        hits: As :func:`mmps.gallery.exporting.describe` returns them.

    Returns:
        ``(n, 4)`` boxes xyxy in the scene of each hit.
    """
    boxes: dict[tuple[str, int], list[np.ndarray]] = defaultdict(list)
    wanted = {(hit['source'], _number(hit)) for hit in hits}
    sources = sorted({hit['source'] for hit in hits})
    for rows in gallery.rows(Where(sources=sources)):
        for place, box in zip(
            zip(rows.source, rows.frame.tolist(), strict=True), rows.boxes, strict=True
        ):
            if place in wanted:
                boxes[place].append(box)
    none = np.zeros((0, 4), np.float32)
    return [np.array(boxes.get((hit['source'], _number(hit)), none)) for hit in hits]
