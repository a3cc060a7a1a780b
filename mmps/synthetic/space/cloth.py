"""Cloth: colours and patterns as functions of the place on a body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmps.synthetic.appearance import Colour

from .texture import noise_at

Pattern = Callable[[np.ndarray, np.ndarray, np.ndarray, 'Cloth'], np.ndarray]


@dataclass(frozen=True)
class Cloth:
    """What a garment is made of.

    Attributes:
        colour: RGB.
        accent: RGB of the pattern.
        pattern: Share of the accent at each place.
        period: Size of the pattern in units of the person's height.
        share: How much of a period has the accent's colour, 0..1.
        shift: Chooses among equal patterns, 0..1.
    """

    colour: Colour
    accent: Colour
    pattern: Pattern
    period: float
    share: float
    shift: float

    def paint(self, angle: np.ndarray, around: np.ndarray, along: np.ndarray) -> np.ndarray:
        """Colour places of the garment.

        Args:
            angle: Angle from the front of the body towards its right, in radians.
            around: Distance from the front along the surface, in units of the height.
            along: Distance from the garment's upper end, in units of the height.

        Returns:
            RGB in 0..1, with one axis more than the arguments.
        """
        accent = self.pattern(angle, around, along, self)[..., None]
        colour, other = (np.array(c, np.float32) / 255 for c in (self.colour, self.accent))
        return colour + (other - colour) * accent


def plain_cloth(colour: Colour) -> Cloth:
    """Make cloth of one colour."""
    return Cloth(colour, colour, _plain, 0.05, 0.5, 0.0)


def _wave(x: np.ndarray, cloth: Cloth, factor: float = 1.0) -> np.ndarray:
    return (x / (factor * cloth.period) + cloth.shift) % 1 < cloth.share


def _facing(angle: np.ndarray, towards: float) -> np.ndarray:
    """Return the angle to a direction, 0..pi."""
    return np.abs((angle - towards + np.pi) % (2 * np.pi) - np.pi)


def _plain(angle, around, along, cloth):
    return np.zeros_like(along)


def _horizontal(angle, around, along, cloth):
    return _wave(along, cloth).astype(np.float32)


def _vertical(angle, around, along, cloth):
    return _wave(around, cloth).astype(np.float32)


def _check(angle, around, along, cloth):
    return 0.5 * _wave(along, cloth) + 0.5 * _wave(around, cloth)


def _dots(angle, around, along, cloth):
    row = np.floor(along / cloth.period)
    x = (around / cloth.period + 0.5 * row) % 1 - 0.5
    y = (along / cloth.period) % 1 - 0.5
    return (x**2 + y**2 < 0.35 * cloth.share).astype(np.float32)


def _mottled(angle, around, along, cloth):
    flecks = noise_at(around / cloth.period + 9 * cloth.shift, along / cloth.period, 24)
    return (flecks > 0.6 - cloth.share).astype(np.float32)


def _print(angle, around, along, cloth):
    """Print on the chest, on the back, or on both."""
    wide, tall = 0.3 + 1.1 * cloth.share, 1.1 * cloth.period
    inside = np.abs(along - 0.1) < tall
    faces = ((0.0,), (np.pi,), (0.0, np.pi))[int(2.999 * cloth.shift)]
    near = np.min([_facing(angle, face) for face in faces], axis=0)
    return (inside & (near < wide)).astype(np.float32)


def _band(angle, around, along, cloth):
    """Draw one broad band around the chest."""
    return (np.abs(along - 0.06 - 0.14 * cloth.shift) < 0.6 * cloth.period).astype(np.float32)


def _blocks(angle, around, along, cloth):
    """Divide a garment in two tones: upper and lower part, or sides and middle."""
    if cloth.shift < 0.6:
        return (along > 0.07 + 0.2 * cloth.shift).astype(np.float32)
    return (_facing(angle, 0) > 0.7).astype(np.float32) * (_facing(angle, np.pi) > 0.7)


def _quilted(angle, around, along, cloth):
    return 0.22 * ((along / 0.032) % 1 < 0.2)


def _fade(angle, around, along, cloth):
    """Fade from one colour into the other, from top to bottom."""
    return np.clip(along / 0.32, 0, 1)


PATTERNS: dict[str, Pattern] = {
    'plain': _plain,
    'horizontal': _horizontal,
    'vertical': _vertical,
    'check': _check,
    'dots': _dots,
    'mottled': _mottled,
    'print': _print,
    'band': _band,
    'blocks': _blocks,
    'quilted': _quilted,
    'fade': _fade,
}
