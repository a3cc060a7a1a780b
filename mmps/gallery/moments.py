"""The frames and images around a person, in their order."""

from __future__ import annotations

import math
from typing import Any

from .base import Gallery
from .exporting import describe
from .rows import STILL, Rows, Where

WINDOW = 600.0
"""Seconds around a person in which other moments are looked for."""

Moment = list[dict[str, Any]]
"""The people of one frame or image, as :func:`mmps.gallery.exporting.describe` returns them."""


def moments_around(
    gallery: Gallery, person: Rows, before: int, after: int, window: float = WINDOW
) -> tuple[list[Moment], int]:
    """List the frames with people before and after a person's own.

    Of a video these are its frames, of a photograph those of the same camera.

    Args:
        gallery: That holds the person.
        person: One row.
        before: Largest number of frames before.
        after: Largest number of frames after.
        window: Seconds around the person; where no time is known only the own frame is found.

    Returns:
        Frames in their order, and the position of the person's own.
    """
    rows = Rows.joined(gallery.rows(_near(person, window)))
    by_place: dict[tuple[float, str, int], Moment] = {}
    described = list(describe(rows))
    for i, row in enumerate(described):
        place = (_order(float(rows.time[i])), row['source'], int(rows.frame[i]))
        by_place.setdefault(place, []).append(row)
    places = sorted(by_place)
    own = (_order(float(person.time[0])), person.source[0], int(person.frame[0]))
    at = places.index(own)
    first = max(at - before, 0)
    return [by_place[place] for place in places[first : at + after + 1]], at - first


def _near(person: Rows, window: float) -> Where:
    time, source, camera = float(person.time[0]), person.source[0], person.camera[0]
    if math.isnan(time):
        return Where(sources=(source,))
    still = person.frame[0] == STILL
    if still and not camera:
        return Where(sources=(source,))
    place = {'cameras': (camera,)} if still else {'sources': (source,)}
    return Where(since=time - window, until=time + window, **place)


def _order(time: float) -> float:
    return -math.inf if math.isnan(time) else time
