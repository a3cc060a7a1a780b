"""Conditions on people as users write them, checked against what a gallery holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmps.structures import ConfigError, DataError

from .base import Gallery
from .rows import Where
from .sources import parse_time


def conditions(
    cameras: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    min_score: float | None = None,
    **further: Any,
) -> Where:
    """Return the conditions that a user's words name.

    Args:
        cameras: Names.
        since: Earliest time, as :func:`mmps.gallery.sources.parse_time` reads it.
        until: Latest time.
        min_score: Smallest detection score.
        **further: Fields of :class:`mmps.gallery.Where`.

    Raises:
        DataError: A text is no time.
    """
    return Where(
        cameras=cameras,
        since=None if since is None else parse_time(since),
        until=None if until is None else parse_time(until),
        min_score=min_score,
        **further,
    )


def check_cameras(gallery: Gallery, wanted: Sequence[str] | None) -> None:
    """Refuse cameras that a gallery does not know, which would look like nobody was there.

    Args:
        gallery: That is asked.
        wanted: Names of cameras.

    Raises:
        DataError: One is unknown.
    """
    if not wanted:
        return
    known = {state.camera for state in gallery.progress().values()} - {''}
    for name in wanted:
        if name not in known:
            names = ', '.join(sorted(known)) or 'none has a name'
            raise DataError(f'{gallery.info.where} has no camera {name}; its cameras: {names}')


def check_sources(gallery: Gallery, wanted: Sequence[str] | None) -> None:
    """Refuse sources that a gallery does not know.

    Args:
        gallery: That is asked.
        wanted: Paths of sources.

    Raises:
        ConfigError: One is unknown.
    """
    unknown = {*(wanted or ())} - {*gallery.progress()} if wanted else set()
    if unknown:
        raise ConfigError(f'{gallery.info.where} holds no source {sorted(unknown)[0]}')
