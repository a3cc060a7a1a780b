"""The images in which hits were found, read again from their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmps.structures import DataError

from .base import Progress
from .rows import STILL
from .sources.seeking import read_again


def scenes_of(
    hits: Sequence[dict[str, Any]], states: Mapping[str, Progress]
) -> tuple[list[np.ndarray | None], list[str]]:
    """Read the scene of each hit, each file once.

    Args:
        hits: As :func:`mmps.gallery.exporting.describe` returns them.
        states: Of the gallery's sources.

    Returns:
        ``(H, W, 3)`` uint8 BGR for each hit, ``None`` where its file cannot be read any more, and
        why not.
    """
    wanted: dict[str, dict[int, float]] = defaultdict(dict)
    for hit in hits:
        number = STILL if hit['frame'] is None else hit['frame']
        start = states[hit['source']].start if hit['source'] in states else 0.0
        wanted[hit['source']][number] = (hit['time'] or 0.0) - start
    found: dict[tuple[str, int], np.ndarray] = {}
    problems = []
    for source, times in wanted.items():
        try:
            found.update({(source, number): image for number, image in read_again(source, times)})
        except DataError as error:
            problems.append(str(error))
    scenes = [
        found.get((hit['source'], STILL if hit['frame'] is None else hit['frame'])) for hit in hits
    ]
    return scenes, problems
