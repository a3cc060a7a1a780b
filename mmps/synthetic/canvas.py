"""A small canvas with transparency: shapes in units of a person's height, drawn oversampled."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from .appearance import Colour

Point = tuple[float, float]
Paint = Colour | np.ndarray


class Canvas:
    """Colour and coverage of one figure.

    Coordinates are in units of the figure's height: x from the middle, y from the top downwards.

    Args:
        height: Height of the figure in pixels of the final image.
        width: Width of the canvas in units of the figure's height.
        oversampling: Canvas pixels per image pixel; ``finish`` averages them.
        outline: Width of the dark line around every shape in units of the height, 0 for none.
    """

    def __init__(self, height: float, width: float, oversampling: int, outline: float) -> None:
        self.oversampling = oversampling
        self.scale = height * oversampling
        self.margin = 0.03
        rows, columns = (
            int(np.ceil(size * self.scale / oversampling)) * oversampling
            for size in (1 + 2 * self.margin, width)
        )
        self.colour = np.zeros((rows, columns, 3), np.uint8)
        self.alpha = np.zeros((rows, columns), np.uint8)
        self.origin = np.array([columns / 2, self.margin * self.scale])
        self.outline = round(outline * self.scale)

    def polygon(self, points: list[Point] | np.ndarray, paint: Paint) -> None:
        """Fill a polygon.

        Args:
            points: ``(N, 2)`` corners.
            paint: A BGR colour, or an image as large as the canvas to show through the shape.
        """
        corners = np.rint(np.asarray(points) * self.scale + self.origin).astype(np.int32)
        if isinstance(paint, tuple):
            cv2.fillPoly(self.colour, [corners], paint)
            cv2.fillPoly(self.alpha, [corners], 255)
        else:
            mask = np.zeros_like(self.alpha)
            cv2.fillPoly(mask, [corners], 255)
            cv2.copyTo(paint, mask, self.colour)
            self.alpha |= mask
        if self.outline:
            cv2.polylines(self.colour, [corners], True, (30, 24, 22), self.outline)
            cv2.polylines(self.alpha, [corners], True, 255, self.outline)

    def ellipse(
        self, centre: Point, radii: Point, paint: Paint, start: float = 0, end: float = 360
    ) -> None:
        """Fill an ellipse, or the part of it between two angles.

        Args:
            centre: Its centre.
            radii: Half its width and half its height.
            paint: As in ``polygon``.
            start: First angle in degrees, clockwise from the right.
            end: Last angle in degrees.
        """
        angles = np.deg2rad(np.linspace(start, end, 36))
        ring = np.stack([np.cos(angles) * radii[0], np.sin(angles) * radii[1]], axis=1)
        self.polygon(ring + centre, paint)

    def limb(self, points: list[Point], widths: list[float], paint: Paint) -> None:
        """Fill a chain of tapered segments with round joints.

        Args:
            points: ``(N, 2)`` joints.
            widths: Half the thickness at each joint.
            paint: As in ``polygon``.
        """
        outline, self.outline = self.outline, 0
        if outline:
            thick = [width + outline / self.scale / 2 for width in widths]
            self._segments(points, thick, (30, 24, 22))
        self._segments(points, widths, paint)
        self.outline = outline

    def _segments(self, points: list[Point], widths: list[float], paint: Paint) -> None:
        joints = np.asarray(points, float)
        for (p, q), (a, b) in zip(
            itertools.pairwise(joints), itertools.pairwise(widths), strict=True
        ):
            along = (q - p) / max(float(np.hypot(*(q - p))), 1e-6)
            normal = np.array([-along[1], along[0]])
            self.polygon(
                np.stack([p + a * normal, q + b * normal, q - b * normal, p - a * normal]), paint
            )
        for joint, width in zip(joints, widths, strict=True):
            self.ellipse(tuple(joint), (width, width), paint)

    def shade(self, light: float, strength: float) -> None:
        """Darken the side away from the light and, slightly, the lower part.

        Args:
            light: Where the light comes from, -1 (left) to 1 (right).
            strength: Share of the colour that the darkest side loses, 0..1.
        """
        rows, columns = self.alpha.shape
        across = (np.arange(columns) - self.origin[0]) / (0.12 * self.scale)
        down = np.arange(rows) / rows
        factor = 1 - strength * (0.5 - 0.5 * np.tanh(light * across))[None] - 0.1 * down[:, None]
        self.colour = (self.colour * factor[..., None]).astype(np.uint8)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Average the oversampled pixels.

        Returns:
            ``(h, w, 3)`` BGR, 0..255, already multiplied by the coverage, and ``(h, w)`` coverage
            0..1, both float32.
        """
        size = (self.alpha.shape[1] // self.oversampling, self.alpha.shape[0] // self.oversampling)
        self.colour[self.alpha == 0] = 0
        colour = cv2.resize(self.colour, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        alpha = cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA)
        return colour, alpha.astype(np.float32) / 255
