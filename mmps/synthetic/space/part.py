"""One part of a person: a tapered rounded piece between two points, with its surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Point = np.ndarray
Paint = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Part:
    """A piece of a body, of clothes or of a bag.

    Lengths are in units of the person's height; points are to the person's right, upwards and
    forwards from the place between the feet.

    Attributes:
        start: Middle of the upper end.
        end: Middle of the lower end.
        first: Half the breadth and half the depth at the upper end.
        last: The same at the lower end.
        paint: Colours its surface, as :meth:`mmps.synthetic.space.cloth.Cloth.paint`.
        cap: How far the round ends reach beyond the points; as far as the piece is wide if None.
        nearer: Drawn as if it were nearer to the camera by this length.
        start_along: Distance of the upper end from the upper end of the garment.
        turn: Angle by which it is turned to the person's right, in radians.
        flat: Whether it lies across the body, as shoulders do.
    """

    start: Point
    end: Point
    first: tuple[float, float]
    last: tuple[float, float]
    paint: Paint
    cap: float | None = None
    nearer: float = 0.0
    start_along: float = 0.0
    turn: float = 0.0
    flat: bool = False


def shifted(point: Point, right: float = 0.0, up: float = 0.0, forward: float = 0.0) -> Point:
    """Move a point in a person's own directions."""
    return point + np.array([right, up, forward])
