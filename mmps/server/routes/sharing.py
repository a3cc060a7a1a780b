"""What several routes do: uploads, conditions, hits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from fastapi import Request, UploadFile

from mmps.gallery import Where
from mmps.gallery.conditions import check_cameras, conditions
from mmps.gallery.searching import describe_hits
from mmps.gallery.visits import FoundVisits
from mmps.structures import DataError

from ..schemas import MAX_HITS, Conditions, Hit, Paging
from ..service import Service


def service_of(request: Request) -> Service:
    """Return the service of an application."""
    return request.app.state.service


def safe_name(upload: UploadFile) -> str:
    """Return the name of an upload without folders and what no terminal shows."""
    name = PurePosixPath((upload.filename or '').replace('\\', '/')).name
    shown = ''.join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip('. ')
    return shown[-120:] or 'upload'


async def uploaded_pixels(service: Service, upload: UploadFile) -> tuple[np.ndarray, str]:
    """Decode an upload in the other process.

    Args:
        service: With the process.
        upload: The file.

    Returns:
        ``(H, W, 3)`` uint8 BGR, and the name.
    """
    name = safe_name(upload)
    data = await upload.read()
    if not data:
        raise DataError(f'{name} is empty')
    return await service.decoder(data, name), name


async def where_of(service: Service, given: Conditions, **further: Any) -> Where:
    """Check conditions as the command line does.

    Args:
        service: Whose cameras are asked for.
        given: As they came.
        **further: Fields of :class:`mmps.gallery.Where`.

    Raises:
        DataError: A camera is unknown, or a time is none.
    """
    if given.cameras:
        await service.ask(lambda gallery: check_cameras(gallery, given.cameras))
    cameras = None if given.cameras is None else tuple(sorted(set(given.cameras)))
    since, until = (None if t is None else str(t) for t in (given.since, given.until))
    return conditions(cameras, since, until, given.min_score, **further)


async def page_of_hits(
    service: Service, vector: np.ndarray, paging: Paging, where: Where
) -> tuple[list[Hit], bool, int | None]:
    """Search, and leave out the pages before.

    Args:
        service: That is asked.
        vector: ``(1, D)`` of unit length.
        paging: Which hits are wanted.
        where: Conditions.

    Returns:
        Hits, whether everybody was compared, and the offset of the next page if there is one.
    """
    end = min(paging.offset + paging.limit, MAX_HITS)
    found = await service.search(vector, end + 1, where, paging.per_visit)
    following = end if len(found.hits) > end and end < MAX_HITS else None
    kept = slice(paging.offset, end)
    rows = found.hits.rows[kept]
    part = type(found.hits)(found.hits.similarities[kept], rows, found.hits.exact)
    visits = None if found.visits is None else found.visits[kept]
    described = describe_hits(FoundVisits(part, visits), service.calibration, paging.offset + 1)
    return [Hit(**_without_nan(hit)) for hit in described], found.hits.exact, following


def finite(value: float | None) -> float | None:
    """Return nothing for what is not known: JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else value


def span_of(ends: Sequence[float] | None) -> dict[str, float | None]:
    """Name the first and the last time."""
    return {'since': ends[0] if ends else None, 'until': ends[1] if ends else None}


def _without_nan(hit: dict[str, Any]) -> dict[str, Any]:
    if 'visit' in hit:
        visit = hit['visit']
        ends = {name: finite(visit[name]) for name in ('since', 'until')}
        hit['visit'] = {**visit, **ends}
    return hit
