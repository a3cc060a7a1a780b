"""A search from the embedding to plain data, as ``--json`` and the HTTP API hand it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from .base import Gallery
from .exporting import describe
from .rows import Where
from .visits import FoundVisits, Query, search_visits


class Rates(Protocol):
    """How often pairs of a similarity are wrong: :class:`mmps.evaluation.Calibration`."""

    def at_least(self, similarity: float) -> tuple[int, int]:
        """Count pairs of other people, and all pairs, that were at least this similar."""


def find_hits(
    gallery: Gallery,
    vector: np.ndarray,
    top: int,
    where: Where | None = None,
    per_visit: bool = False,
) -> FoundVisits:
    """Find the most similar people.

    Args:
        gallery: Searched.
        vector: ``(1, D)`` embedding of unit length.
        top: Number of hits.
        where: Conditions on rows.
        per_visit: Whether the best hit of each visit to a camera is wanted alone.
    """
    if per_visit:
        return search_visits(gallery, vector, top, where)
    (hits,) = gallery.search(vector, top, where)
    return FoundVisits(hits)


def describe_hits(
    found: FoundVisits, calibration: Rates | None = None, first: int = 1
) -> list[dict[str, Any]]:
    """Describe hits as plain data.

    Args:
        found: From a gallery.
        calibration: Of the model, where it is known.
        first: Rank of the first hit.

    Returns:
        For each hit ``rank``, ``similarity``, what :func:`mmps.gallery.exporting.describe` says of
        its row, ``visit`` where hits stand for visits, and ``calibration`` where it is known.
    """
    rows = zip(found.hits.similarities, describe(found.hits.rows), strict=True)
    hits = [
        {'rank': rank, 'similarity': round(float(similarity), 4), **row}
        for rank, (similarity, row) in enumerate(rows, start=first)
    ]
    for row, visit in zip(hits, found.visits or [], strict=False):
        row['visit'] = {'since': visit.since, 'until': visit.until, 'boxes': visit.boxes}
    for row in hits if calibration is not None else ():
        wrong, pairs = calibration.at_least(row['similarity'])
        row['calibration'] = {'wrong': wrong, 'pairs': pairs}
    return hits


def describe_search(
    queries: Sequence[Query], found: FoundVisits, calibration: Rates | None = None
) -> dict[str, Any]:
    """Describe a search as plain data.

    Args:
        queries: Images of the person.
        found: From a gallery.
        calibration: Of the model, where it is known.

    Returns:
        ``query``; ``exact``, whether everybody was compared; ``hits`` as of
        :func:`describe_hits`.
    """
    images = [{'image': query.path, 'box': query.box} for query in queries]
    hits = describe_hits(found, calibration)
    query = {**images[0], 'images': images}
    return {'query': query, 'exact': found.hits.exact, 'hits': hits}
