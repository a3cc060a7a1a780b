"""The ground: a colour with noise in perspective, and what lies on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmps.synthetic.appearance import Colour

from .light import Light
from .texture import noise_at
from .view import View

Cover = Callable[[np.ndarray, np.ndarray, 'Ground'], np.ndarray]


@dataclass(frozen=True)
class Ground:
    """What people stand on.

    Attributes:
        colour: RGB.
        other: RGB of the second material: joints, stripes, a path.
        cover: Share of the second material at each place.
        grain: Strength of the noise.
        size: Size of tiles, or half the width of the path, in metres.
        shift: Moves everything, in metres.
    """

    colour: Colour
    other: Colour
    cover: Cover
    grain: float
    size: float
    shift: float

    def paint(self, image: np.ndarray, view: View, light: Light, haze: Colour) -> None:
        """Draw the ground.

        Args:
            image: ``(height, width, 3)`` uint8 RGB; the part below the horizon is drawn.
            view: The camera.
            light: The light.
            haze: RGB of what is far away.
        """
        x, z, first = view.ground()
        x, z = x + self.shift, z + self.shift
        near = 1 / (1 + z / 14)
        fine = noise_at(x, z, 70) * near + noise_at(x, z, 9) + np.float32(0.7) * noise_at(x, z, 2)
        share = self.cover(x, z, self).astype(np.float32) * np.minimum(2.5 * near, 1)
        share = share[..., None]
        first_colour, second = (np.array(c, np.float32) for c in (self.colour, self.other))
        colour = first_colour + (second - first_colour) * share
        bright = np.array(light.sky) + np.array(light.sun) * max(np.sin(light.elevation), 0)
        colour = colour * (1 + self.grain * fine)[..., None] * bright.astype(np.float32)
        far = (1 - np.exp(-np.maximum(z, 0) / 70))[..., None]
        colour += (np.array(haze, np.float32) - colour) * far
        image[first:] = np.clip(colour, 0, 255)


def asphalt(x, z, ground):
    """Mark lanes at both sides."""
    return np.float32(0.8) * (np.abs(np.abs(x) - 4 * ground.size) < 0.08)


def tiles(x, z, ground):
    """Lay square tiles."""
    return np.float32(0.6) * (((x / ground.size) % 1 < 0.05) | ((z / ground.size) % 1 < 0.05))


def bricks(x, z, ground):
    """Lay small stones in rows, some of them of the second colour."""
    row, column = np.floor(2 * z / ground.size), np.floor(x / ground.size)
    return np.float32(0.5) * (np.sin(row * 12.9898 + column * 78.233) * 43758.5453 % 1 < 0.4)


def crossing(x, z, ground):
    """Paint the bars of a pedestrian crossing."""
    across = ((z > 5) & (z < 9)) | ((z > 22) & (z < 26))
    return np.float32(0.9) * (across & (x / ground.size % 1.2 < 0.55))


def path(x, z, ground):
    """Lay a path ahead, with a branch to the side."""
    ahead = np.abs(x - 0.12 * z + ground.shift) < 2.2 * ground.size
    aside = np.abs(z - 11 - 0.15 * x) < 1.6 * ground.size
    return (ahead | aside).astype(np.float32)


GROUNDS: dict[str, Cover] = {
    'asphalt': asphalt,
    'tiles': tiles,
    'bricks': bricks,
    'crossing': crossing,
    'path': path,
}


def sample_ground(kinds: tuple[str, ...], rng: np.random.Generator) -> Ground:
    """Draw a ground.

    Args:
        kinds: Keys of :data:`GROUNDS`.
        rng: Stream of the scene.

    Returns:
        The ground.
    """
    kind = kinds[int(rng.integers(len(kinds)))]
    grey = rng.uniform(95, 190)
    warm = rng.uniform(-0.03, 0.09)
    colour = (grey * (1 + warm), grey, grey * (1 - warm))
    other = tuple(channel * rng.uniform(0.6, 0.85) for channel in colour)
    if kind == 'path':
        other, green = colour, rng.uniform(80, 125)
        colour = (green * rng.uniform(0.75, 1.05), green, green * rng.uniform(0.45, 0.65))
    elif kind in ('asphalt', 'crossing'):
        grey = rng.uniform(80, 125)
        colour, other = (grey, grey, grey * 1.03), (215, 215, 210)
    size = rng.uniform(0.4, 1.0)
    return Ground(
        colour=tuple(int(c) for c in colour),
        other=tuple(int(c) for c in other),
        cover=GROUNDS[kind],
        grain=float(rng.uniform(0.1, 0.3)),
        size=float(size),
        shift=float(rng.uniform(0, 3)),
    )
