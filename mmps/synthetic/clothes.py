"""The pattern of a top: plain, striped, checked, with a logo or in two tones."""

from __future__ import annotations

import cv2
import numpy as np

from .appearance import Look
from .canvas import Canvas, Paint

STRIPE = 0.058
"""Period of stripes and checks in units of the height: wide enough to survive at 50 pixels."""


def garment(look: Look, canvas: Canvas, chest: float) -> Paint:
    """Make the paint of a top.

    Args:
        look: The identity that wears it.
        canvas: The canvas that it will be painted on.
        chest: Middle of the chest, in units of the height.

    Returns:
        A colour, or an image as large as the canvas.
    """
    if look.pattern == 'plain':
        return look.top
    rows, columns = canvas.alpha.shape
    y = ((np.arange(rows) - canvas.origin[1]) / canvas.scale)[:, None]
    x = ((np.arange(columns) - canvas.origin[0]) / canvas.scale)[None, :]
    accent = _ACCENTS[look.pattern](x, y, chest)
    colours = np.array([look.top, look.accent], np.uint8)
    return colours[np.broadcast_to(accent, (rows, columns)).astype(np.intp)]


def _horizontal(x: np.ndarray, y: np.ndarray, chest: float) -> np.ndarray:
    return (y - chest) % STRIPE < 0.5 * STRIPE


def _vertical(x: np.ndarray, y: np.ndarray, chest: float) -> np.ndarray:
    return x % STRIPE < 0.45 * STRIPE


def _check(x: np.ndarray, y: np.ndarray, chest: float) -> np.ndarray:
    return (x % (1.5 * STRIPE) < 0.75 * STRIPE) ^ ((y - chest) % (1.5 * STRIPE) < 0.75 * STRIPE)


def _logo(x: np.ndarray, y: np.ndarray, chest: float) -> np.ndarray:
    return (x / 0.055) ** 2 + ((y - chest + 0.05) / 0.05) ** 2 < 1


def _two_tone(x: np.ndarray, y: np.ndarray, chest: float) -> np.ndarray:
    return np.broadcast_to(y > chest, (y.shape[0], x.shape[1]))


_ACCENTS = {
    'horizontal': _horizontal,
    'vertical': _vertical,
    'check': _check,
    'logo': _logo,
    'two-tone': _two_tone,
}


def darker(paint: Paint, factor: float) -> Paint:
    """Scale a colour or an image.

    Args:
        paint: BGR colour, or ``(h, w, 3)`` BGR image.
        factor: Brightness that remains, 0..1.

    Returns:
        The darker paint.
    """
    if isinstance(paint, tuple):
        return tuple(int(channel * factor) for channel in paint)
    return cv2.convertScaleAbs(paint, alpha=factor)
