"""Whether a source is still what was indexed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mmps.digests import file_digest
from mmps.structures import DataError

from .frame_folders import frames_digest, state_of

if TYPE_CHECKING:
    from ..base import Progress


def check_unchanged(state: Progress, known: set[tuple[str, int, int]] | None = None) -> None:
    """Refuse a file that was replaced since it was indexed, such as by a link to another one.

    Args:
        state: Of the source.
        known: Path, size and time of files whose content was compared before; grows.

    Raises:
        DataError: The file is gone, or has other content.
    """
    source, known = state.source, set() if known is None else known
    try:
        status = state_of(source)
        mark = (source, status.size, status.mtime)
        if mark in known or (status.size, status.mtime) == (state.size, state.mtime):
            return
        # A copied file has another time; only then is it read as a whole.
        if status.size == state.size and _digest(source, state.digest) == state.digest:
            known.add(mark)
            return
    except OSError as error:
        raise DataError(f'{source} cannot be read: {error.strerror or error}') from None
    raise DataError(f'{source} has changed since it was indexed: index it again')


def _digest(source: str, before: str) -> str:
    if not os.path.isdir(source):
        return file_digest(source)
    rate = float(before.rpartition('@')[2] or 0)
    return frames_digest(source, rate or None)
