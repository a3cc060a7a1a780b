"""Searching a gallery for visits: one hit for each stay of a person before a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Gallery
from .rows import Hits, Rows, Where
from .tracklets import Linking, Visit, link, visits

MARGIN = 8
"""Hits looked at for each visit that is wanted, at first."""


@dataclass(frozen=True, eq=False)
class Query:
    """An image of the person who is searched.

    Attributes:
        path: Of the image.
        box: Box as xyxy in its pixels.
        vector: ``(1, D)`` embedding of unit length.
    """

    path: str
    box: list[float]
    vector: np.ndarray


@dataclass(frozen=True, eq=False)
class FoundVisits:
    """Hits, and the visits that they belong to.

    Attributes:
        hits: The best hit of each visit, or all hits.
        visits: One for each hit, or ``None`` where hits were not grouped.
    """

    hits: Hits
    visits: list[Visit] | None = None


def search_visits(
    gallery: Gallery,
    vector: np.ndarray,
    top: int,
    where: Where | None = None,
    linking: Linking | None = None,
) -> FoundVisits:
    """Find the visits whose best hit is most similar to a query.

    Args:
        gallery: Searched.
        vector: ``(1, D)`` embedding of unit length.
        top: Number of visits.
        where: Conditions on rows.
        linking: When two boxes are one person.
    """
    wanted, total = MARGIN * top, gallery.count(where)
    tracklets: dict[str, tuple[dict[int, int], list[Visit]]] = {}
    while True:
        (hits,) = gallery.search(vector, wanted, where)
        chosen, found = _best_of_each(gallery, hits, linking, tracklets)
        if len(chosen) >= top or wanted >= total:
            kept = np.array(chosen[:top], dtype=int)
            return FoundVisits(
                Hits(hits.similarities[kept], hits.rows[kept], hits.exact), found[:top]
            )
        wanted *= 4


def _best_of_each(
    gallery: Gallery, hits: Hits, linking: Linking | None, tracklets: dict
) -> tuple[list[int], list[Visit]]:
    chosen, found, seen = [], [], set()
    for i, (source, public) in enumerate(zip(hits.rows.source, hits.rows.ids, strict=True)):
        if source not in tracklets:
            tracklets[source] = _tracklets(gallery, source, linking)
        numbers, stays = tracklets[source]
        number = numbers[int(public)]
        if (source, number) not in seen:
            seen.add((source, number))
            chosen.append(i)
            found.append(stays[number])
    return chosen, found


def _tracklets(
    gallery: Gallery, source: str, linking: Linking | None
) -> tuple[dict[int, int], list[Visit]]:
    """Link one source; return the tracklet of each public id, and all visits."""
    rows = Rows.joined(gallery.rows(Where(sources=[source]), vectors=True))
    numbers = link(rows, linking)
    return dict(zip(rows.ids.tolist(), numbers.tolist(), strict=True)), visits(rows, numbers)
