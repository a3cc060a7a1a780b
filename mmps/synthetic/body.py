"""The joints of a figure in its pose, in units of its height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .appearance import Look, Pose
from .canvas import Point


@dataclass(frozen=True)
class Style:
    """How a domain builds its figures, in units of a person's height.

    Attributes:
        head: Half width and half height of the head.
        shoulder: Height of the shoulders below the top of the head.
        hip: Height of the hips below the top of the head.
        girth: Factor on every width of the body.
        outline: Width of the dark line around every shape, 0 for none.
        shading: Share of the colour that the side away from the light loses.
        coat: How far below the hips a top reaches.
    """

    head: tuple[float, float]
    shoulder: float
    hip: float
    girth: float
    outline: float
    shading: float
    coat: float


@dataclass(frozen=True)
class Body:
    """Joints and half widths of one figure in one pose."""

    style: Style
    look: Look
    pose: Pose
    shoulder_width: float
    hip_width: float

    @property
    def side(self) -> bool:
        """Whether the figure is seen from its side."""
        return self.pose.view == 'side'

    def at(self, x: float, y: float) -> Point:
        """Move a point according to the lean of the figure."""
        return (x + self.pose.lean * (1 - y), y)

    def leg(self, sign: int) -> list[Point]:
        """Return hip, knee and ankle of the leg that leads (1) or trails (-1)."""
        hip, swing = self.style.hip, np.sin(self.pose.phase) * sign
        if self.side:
            knee_x = 0.085 * swing + 0.02 * abs(swing)
            ankle_x = 0.16 * swing - 0.05 * max(-swing, 0) - 0.02
            ankle_y = 0.955 - 0.05 * max(-swing, 0)
            return [self.at(0, hip), self.at(knee_x, 0.5 * hip + 0.47), self.at(ankle_x, ankle_y)]
        spread = 0.56 * self.hip_width * sign
        lift = 0.03 * max(swing, 0)
        return [
            self.at(spread, hip),
            self.at(1.05 * spread, 0.5 * hip + 0.47 - 0.5 * lift),
            self.at(1.1 * spread, 0.955 - lift),
        ]

    def arm(self, sign: int) -> list[Point]:
        """Return shoulder, elbow and wrist; the arm swings against the leg of the same side."""
        top, hip, swing = (
            self.style.shoulder + 0.022,
            self.style.hip,
            -np.sin(self.pose.phase) * sign,
        )
        if self.side:
            elbow = self.at(0.09 * swing - 0.01, 0.45 * top + 0.55 * hip - 0.02)
            wrist = self.at(0.17 * swing + 0.045, hip + 0.02 - 0.05 * abs(swing))
            return [self.at(0, top), elbow, wrist]
        x = sign * self.shoulder_width
        bend = 0.014 * swing
        return [
            self.at(x, top),
            self.at(1.22 * x + 0.01 * sign, 0.45 * top + 0.55 * hip - 0.02),
            self.at(1.2 * x + sign * bend, hip + 0.03 - abs(bend)),
        ]
