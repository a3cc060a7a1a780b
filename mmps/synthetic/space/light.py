"""Light of a scene: the sun or lamps, and what the sky gives everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .view import View


@dataclass(frozen=True)
class Light:
    """The light of one scene.

    Attributes:
        azimuth: Direction that it comes from, in radians: 0 ahead of the camera, growing
            towards the right.
        elevation: Angle above the ground, in radians.
        sun: Brightness of surfaces that face it, RGB.
        sky: Brightness everywhere, RGB.
        shadow: Share of the light that is lost in cast shadows.
        softness: Blur of cast shadows, in units of a person's height.
    """

    azimuth: float
    elevation: float
    sun: tuple[float, float, float]
    sky: tuple[float, float, float]
    shadow: float
    softness: float

    @property
    def direction(self) -> np.ndarray:
        """Unit vector towards the light in the axes of the world."""
        flat = np.cos(self.elevation)
        return np.array(
            [flat * np.sin(self.azimuth), np.sin(self.elevation), flat * np.cos(self.azimuth)]
        )

    def seen_from(self, view: View) -> np.ndarray:
        """Turn the direction into the axes of an image.

        Args:
            view: The camera.

        Returns:
            Components to the right, downwards, and towards the camera.
        """
        x, y, z = self.direction
        cos, sin = np.cos(view.pitch), np.sin(view.pitch)
        return np.array([x, -(y * cos + z * sin), sin * y - cos * z])


def sample_light(sunny: float, rng: np.random.Generator) -> Light:
    """Draw the light of a scene.

    Args:
        sunny: Probability of sunshine; otherwise it is overcast.
        rng: Stream of the scene.

    Returns:
        The light.
    """
    azimuth = float(rng.uniform(-np.pi, np.pi))
    warmth = float(rng.uniform(-0.06, 0.1))
    if rng.random() < sunny:
        strength, sky = float(rng.uniform(0.55, 0.8)), float(rng.uniform(0.4, 0.55))
        sun = (strength * (1 + warmth), strength, strength * (1 - warmth))
        blue = (0.96 * sky, sky, 1.06 * sky)
        elevation = float(rng.uniform(0.6, 1.2))
        return Light(azimuth, elevation, sun, blue, float(rng.uniform(0.35, 0.55)), 0.012)
    sky = float(rng.uniform(0.62, 0.8))
    grey = (sky * (1 + 0.5 * warmth), sky, sky * (1 - 0.5 * warmth))
    return Light(azimuth, 1.35, (0.28,) * 3, grey, float(rng.uniform(0.2, 0.35)), 0.05)
