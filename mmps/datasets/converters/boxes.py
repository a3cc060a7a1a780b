"""Checks on single boxes that all converters share."""

from __future__ import annotations

import math

from .log import ConversionLog
from .records import Box

_LARGEST = 1e5


def is_usable(bbox: Box, where: str, log: ConversionLog) -> bool:
    """Tell whether a box can be kept; log it if not.

    Args:
        bbox: xywh.
        where: File and place in it, for the log.
        log: Where dropped boxes go.

    Returns:
        Whether it has finite, sane numbers and an area.
    """
    if not all(math.isfinite(value) for value in bbox):
        log.note('dropped a box that is not finite', where, str(bbox))
        return False
    if max(map(abs, bbox)) > _LARGEST:
        log.note('dropped a box with absurd numbers', where, str(bbox))
        return False
    if bbox[2] <= 0 or bbox[3] <= 0:
        log.note('dropped a box without area', where, str(bbox))
        return False
    return True
