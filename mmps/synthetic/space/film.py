"""What a camera makes of the light: lens and sensor as in the flat domains, then a codec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from mmps.synthetic.camera import Camera

_AIM = 118
"""Mean grey level that cameras aim at."""


@dataclass(frozen=True)
class Film:
    """How images of one camera come out.

    Attributes:
        camera: Colours, blur and noise.
        exposure: Factor on the brightness that the camera aims at.
        vignette: Share of the light that the corners lose.
        quality: JPEG quality of the codec in the camera, 0..100.
    """

    camera: Camera
    exposure: float
    vignette: float
    quality: int

    def capture(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Record an image: exposure by its mean, then lens, sensor and codec.

        Args:
            image: ``(h, w, 3)`` uint8 BGR.
            rng: Stream of the scene, for the noise.

        Returns:
            ``(h, w, 3)`` uint8 BGR.
        """
        camera, (height, width) = self.camera, image.shape[:2]
        gain = self.exposure * np.clip(_AIM / max(cv2.mean(image)[1], 1), 0.6, 1.8)
        bright = np.arange(256) * gain / 255
        bright = np.where(bright > 0.75, 0.75 + 0.25 * np.tanh((bright - 0.75) / 0.25), bright)
        levels = 255 * bright**camera.gamma
        levels = np.outer(levels, camera.gain)[None].astype(np.float32)
        seen = cv2.LUT(cv2.merge([image]), np.ascontiguousarray(levels))
        grey = (1 - camera.saturation) / 3
        seen = cv2.transform(seen, np.eye(3) * camera.saturation + grey)
        if camera.blur > 0.2:
            seen = cv2.GaussianBlur(seen, (0, 0), camera.blur)
        x, y = (np.linspace(-1, 1, n, dtype=np.float32) for n in (width, height))
        dim = 1 - self.vignette * (x[None] ** 2 + y[:, None] ** 2) / 2
        seen = cv2.multiply(seen, cv2.merge([dim] * 3))
        seen = cv2.scaleAdd(_grain(height, width, rng), camera.noise, seen)
        seen = cv2.convertScaleAbs(np.maximum(seen, 0))
        _, data = cv2.imencode('.jpg', seen, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        return cv2.imdecode(data, cv2.IMREAD_COLOR)


@cache
def _grains() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1024, 1024, 3), dtype=np.float32)


def _grain(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Cut noise of unit deviation from one large field: much faster than drawing it."""
    top, left = int(rng.integers(0, 1025 - height)), int(rng.integers(0, 1025 - width))
    return np.ascontiguousarray(_grains()[top : top + height, left : left + width])


@dataclass(frozen=True)
class Films:
    """The cameras of a domain: ranges of uniform draws.

    Attributes:
        tint: Standard deviation of the factors on blue, green and red.
        gamma: Exponent on brightness.
        blur: Standard deviation of the blur in pixels.
        noise: Standard deviation of the noise in grey levels.
        saturation: Factor on the distance from grey.
        exposure: Factor on brightness.
        vignette: Share of the light that the corners lose.
        quality: JPEG quality.
    """

    tint: float
    gamma: tuple[float, float]
    blur: tuple[float, float]
    noise: tuple[float, float]
    saturation: tuple[float, float]
    exposure: tuple[float, float]
    vignette: tuple[float, float]
    quality: tuple[int, int]

    def sample(self, rng: np.random.Generator) -> Film:
        """Draw a camera.

        Args:
            rng: Stream of the camera.

        Returns:
            The camera.
        """
        gain = tuple(float(value) for value in rng.normal(1, self.tint, 3))
        four = (self.gamma, self.blur, self.noise, self.saturation)
        camera = Camera(gain, *(float(rng.uniform(*bounds)) for bounds in four))
        return Film(
            camera=camera,
            exposure=float(rng.uniform(*self.exposure)),
            vignette=float(rng.uniform(*self.vignette)),
            quality=int(rng.integers(*self.quality)),
        )
