"""A camera in space: how points in metres become pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_NEAREST = 0.3


@dataclass(frozen=True)
class View:
    """A pinhole camera above the ground, with a lens that may bend lines.

    The axes of the world are x to the right, y upwards and z ahead, in metres; the camera is at
    ``(0, height, 0)``.

    Attributes:
        size: Width and height of the image in pixels.
        focal: Focal length in pixels.
        height: Height above the ground in metres.
        pitch: Angle by which it looks down, in radians.
        bend: Radial distortion: factor on the squared tangent of the angle to the axis; negative
            for the barrel of a wide lens.
    """

    size: tuple[int, int]
    focal: float
    height: float
    pitch: float
    bend: float = 0.0

    @property
    def horizon(self) -> float:
        """Row of the horizon in the image's middle; may lie above the image."""
        return self.size[1] / 2 - self.focal * np.tan(self.pitch)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the pixels of points.

        Args:
            points: ``(..., 3)`` in metres.

        Returns:
            ``(..., 2)`` x and y in pixels, and ``(...)`` depth along the axis in metres.
        """
        x, y, z = np.moveaxis(np.asarray(points, float), -1, 0)
        cos, sin, y = np.cos(self.pitch), np.sin(self.pitch), y - self.height
        depth = np.maximum(z * cos - y * sin, _NEAREST)
        across, down = x / depth, -(y * cos + z * sin) / depth
        bent = self.focal * (1 + self.bend * np.minimum(across**2 + down**2, 1.0))
        middle = np.array(self.size) / 2
        return np.stack([across * bent, down * bent], axis=-1) + middle, depth

    def ground(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Find the point of the ground that each pixel below the horizon shows.

        Returns:
            Two ``(rows, width)`` arrays of x and z in metres, and the first of these rows.
        """
        width, height = self.size
        first = int(np.clip(np.ceil(self.horizon + 2), 0, height - 1))
        across = (np.arange(width, dtype=np.float32) - width / 2)[None] / self.focal
        down = (np.arange(first, height, dtype=np.float32) - height / 2)[:, None] / self.focal
        straight = 1 / (1 + self.bend * np.minimum(across**2 + down**2, 1.0))
        across, down = across * straight, down * straight
        cos, sin = np.float32(np.cos(self.pitch)), np.float32(np.sin(self.pitch))
        reach = self.height / np.maximum(sin + down * cos, 1e-3)
        return across * reach, reach * (cos - down * sin), first
