"""Heads made unrecognisable in images that leave the hands of whoever searches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

HEAD = 0.2
"""Upper part of a person's box in which the head is."""

CELLS = 6
"""Squares across a head that are left of it; a face needs about ten times as many."""


def blurred(image: np.ndarray, boxes: Iterable[Sequence[float]]) -> np.ndarray:
    """Blur the upper fifth of boxes in a copy of an image.

    Detail is averaged away before it is blurred, so that no filter brings it back.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        boxes: Boxes xyxy of people in its pixels.

    Returns:
        As ``image``.
    """
    copy = image.copy()
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes:
        left, right = (int(np.clip(round(v), 0, width)) for v in (x1, x2))
        top, bottom = (int(np.clip(round(v), 0, height)) for v in (y1, y1 + HEAD * (y2 - y1)))
        if right <= left or bottom <= top:
            continue
        part = copy[top:bottom, left:right]
        cell = max((right - left) / CELLS, 1)
        small = (min(CELLS, right - left), max(1, round((bottom - top) / cell)))
        averaged = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        copy[top:bottom, left:right] = cv2.resize(
            averaged, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR
        )
    return copy
