"""Cameras: each sees the same colours in its own way, so that a colour alone does not identify."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Camera:
    """How one camera changes an image.

    Attributes:
        gain: Factors on blue, green and red.
        gamma: Exponent on brightness.
        blur: Standard deviation of the blur in pixels.
        noise: Standard deviation of the noise in grey levels.
        saturation: Factor on the distance from grey.
    """

    gain: tuple[float, float, float]
    gamma: float
    blur: float
    noise: float
    saturation: float

    def capture(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Record an image.

        Args:
            image: ``(h, w, 3)`` uint8 BGR.
            rng: Stream of the scene, for the noise.

        Returns:
            ``(h, w, 3)`` uint8 BGR.
        """
        table = (np.arange(256) / 255.0) ** self.gamma * 255
        seen = cv2.LUT(image, table.astype(np.float32))
        seen *= np.array(self.gain, np.float32)
        grey = seen.mean(axis=2, keepdims=True)
        seen = grey + self.saturation * (seen - grey)
        if self.blur > 0.2:
            seen = cv2.GaussianBlur(seen, (0, 0), self.blur)
        seen += self.noise * rng.standard_normal(seen.shape, dtype=np.float32)
        return np.clip(seen, 0, 255).astype(np.uint8)


def sample_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera.

    Args:
        rng: Stream of this camera.

    Returns:
        The camera.
    """
    return Camera(
        gain=tuple(float(value) for value in rng.normal(1, 0.09, 3)),
        gamma=float(rng.uniform(0.75, 1.35)),
        blur=float(rng.uniform(0, 0.9)),
        noise=float(rng.uniform(2, 7)),
        saturation=float(rng.uniform(0.75, 1.2)),
    )
