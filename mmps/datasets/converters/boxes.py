"""Checks on boxes that all converters share."""

from __future__ import annotations

import math

from mmps.formats.annotations import FRACTIONS
from mmps.formats.values import are_fractions

from .log import ConversionLog
from .records import Box, Split

_LARGEST = 1e5


def is_usable(bbox: Box, where: str, log: ConversionLog) -> bool:
    """Check whether a box can be kept; log it if not.

    Args:
        bbox: Box as xywh.
        where: File and position in it, for the log.
        log: Receives dropped boxes.

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


def report_odd_places(split: Split, log: ConversionLog) -> None:
    """Report boxes that cannot show anybody; they stay as annotated.

    Args:
        split: Images whose sizes are known.
        log: Receives the report.

    Raises:
        DataError: The boxes are not in pixels, and the log is strict.
    """
    placed = [(person.bbox, image.size) for image in split.images for person in image.people]
    if are_fractions([bbox for bbox, _ in placed]):
        log.warn(f'{split.name}: {FRACTIONS}: multiply them by width and height')
    outside = sum(
        x >= width or y >= height or x + w <= 0 or y + h <= 0
        for (x, y, w, h), (width, height) in placed
    )
    if outside:
        log.count('kept boxes that lie outside their image', f'{split.name}.json', outside)
