"""Empty places: a street, a square, a park and a hall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .ground import sample_ground
from .light import Light
from .view import View
from .walls import facade, foliage, hall_wall, sky, stand_wall

Rng = np.random.Generator
Place = Callable[[View, Light, Rng], np.ndarray]


def street(view: View, light: Light, rng: Rng) -> np.ndarray:
    """Draw a street between two rows of houses.

    Args:
        view: The camera.
        light: The light.
        rng: Stream of the place.

    Returns:
        ``(height, width, 3)`` uint8 BGR.
    """
    image, haze = _open_air(view, light, rng)
    sample_ground(('asphalt', 'tiles', 'bricks', 'crossing'), rng).paint(image, view, light, haze)
    end, turn = rng.uniform(25, 60), rng.uniform(-0.25, 0.25)
    height = rng.uniform(8, 16)
    left, right = -rng.uniform(3.5, 8), rng.uniform(3.5, 8)
    houses = facade(right - left + 16, height, light, rng)
    stand_wall(image, view, houses, (left - 8 + turn * end, end), (right + 8 + turn * end, end),
               height)  # fmt: skip
    if rng.random() < 0.5:
        _plant(image, view, light, rng, int(rng.integers(1, 4)), 0.7 * end)
    for side, first, last in ((left, 1.5, end), (right, end, 1.5)):
        houses = facade(end - 1.5, height, light, rng)
        ends = ((side + turn * first, first), (side + turn * last, last))
        stand_wall(image, view, houses, *ends, height)
    return _bgr(image)


def square(view: View, light: Light, rng: Rng) -> np.ndarray:
    """Draw a wide square with houses at its far end.

    Args:
        view: The camera.
        light: The light.
        rng: Stream of the place.

    Returns:
        ``(height, width, 3)`` uint8 BGR.
    """
    image, haze = _open_air(view, light, rng)
    sample_ground(('tiles', 'bricks', 'crossing', 'asphalt'), rng).paint(image, view, light, haze)
    end, height, turn = rng.uniform(14, 45), rng.uniform(6, 15), rng.uniform(-0.4, 0.4)
    wide = 1.2 * end
    houses = facade(2 * wide, height, light, rng)
    stand_wall(image, view, houses, (-wide, end - turn * wide), (wide, end + turn * wide), height)
    _plant(image, view, light, rng, int(rng.integers(0, 5)), 0.9 * end)
    return _bgr(image)


def park(view: View, light: Light, rng: Rng) -> np.ndarray:
    """Draw lawns with paths in front of trees and, sometimes, a building.

    Args:
        view: The camera.
        light: The light.
        rng: Stream of the place.

    Returns:
        ``(height, width, 3)`` uint8 BGR.
    """
    image, haze = _open_air(view, light, rng)
    sample_ground(('path', 'path', 'tiles'), rng).paint(image, view, light, haze)
    end = rng.uniform(22, 50)
    if rng.random() < 0.6:
        height = rng.uniform(6, 14)
        houses = facade(2.4 * end, height, light, rng)
        stand_wall(image, view, houses, (-1.2 * end, end), (1.2 * end, end), height)
    _plant(image, view, light, rng, int(rng.integers(5, 12)), 0.98 * end)
    return _bgr(image)


def hall(view: View, light: Light, rng: Rng) -> np.ndarray:
    """Draw a room: a shop, a station, a corridor.

    Args:
        view: The camera.
        light: The light.
        rng: Stream of the place.

    Returns:
        ``(height, width, 3)`` uint8 BGR.
    """
    width, rows = view.size
    image = np.zeros((rows, width, 3), np.uint8)
    grey = rng.uniform(90, 215)
    bright = np.array(light.sky) + 0.3 * np.array(light.sun)
    image[:] = np.clip(np.array((grey, grey, 0.96 * grey)) * bright, 0, 255)
    haze = tuple(int(channel) for channel in image[0, 0])
    sample_ground(('tiles', 'tiles', 'bricks'), rng).paint(image, view, light, haze)
    end, height = rng.uniform(9, 24), rng.uniform(2.8, 5.5)
    left, right = -rng.uniform(2.5, 7), rng.uniform(2.5, 7)
    back = hall_wall(right - left, height, light, rng)
    stand_wall(image, view, back, (left, end), (right, end), height)
    for side, first, last in ((left, 1.2, end), (right, end, 1.2)):
        wall = hall_wall(end - 1.2, height, light, rng)
        stand_wall(image, view, wall, (side, first), (side, last), height)
    return _bgr(image)


def _open_air(view: View, light: Light, rng: Rng) -> tuple[np.ndarray, tuple]:
    image = np.zeros((*view.size[::-1], 3), np.uint8)
    return image, sky(image, view, light, rng)


def _plant(
    image: np.ndarray, view: View, light: Light, rng: Rng, count: int, farthest: float
) -> None:
    """Plant trees, the farthest first, beside the middle."""
    for z in np.sort(rng.uniform(0.35, 1, count) * farthest)[::-1]:
        size = rng.uniform(3, 7)
        x = rng.choice([-1, 1]) * rng.uniform(0.12, 0.7) * z - size / 2
        tree = foliage(light, rng)
        stand_wall(image, view, tree, (x, z), (x + size, z), size * rng.uniform(1.0, 1.5))


def _bgr(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[..., ::-1])
