"""Empty scenes: a street by day and a station hall in the evening, different in every image."""

from __future__ import annotations

import cv2
import numpy as np

from .props import Rng, any_colour, box, shade


def street(width: int, height: int, horizon: int, rng: Rng) -> np.ndarray:
    """Draw a street: sky, buildings with windows, textured ground.

    Args:
        width: Width of the image in pixels.
        height: Height of the image in pixels.
        horizon: Row where the ground begins.
        rng: Stream of the scene.

    Returns:
        ``(height, width, 3)`` uint8 BGR.
    """
    image = np.zeros((height, width, 3), np.uint8)
    sky = np.array([(225, 190, 150), (215, 210, 205), (200, 200, 225)][rng.integers(3)], float)
    fade = np.linspace(0.82, 1.08, horizon)[:, None, None]
    image[:horizon] = np.clip(sky * fade, 0, 255)
    left = -int(rng.integers(0, 60))
    while left < width:
        size = int(rng.integers(60, 150))
        _building(image, left, size, horizon, rng)
        left += size + int(rng.choice([0, 0, 0, 25]))
    ground = [(132, 132, 130), (150, 160, 168), (84, 128, 96), (116, 126, 140)][rng.integers(4)]
    _floor(image, horizon, ground, 5.0, rng)
    kerb = horizon + int(rng.integers(4, 14))
    box(image, 0, horizon, width, kerb - horizon, (176, 176, 174))
    return image


def station(width: int, height: int, horizon: int, rng: Rng) -> np.ndarray:
    """Draw a station hall: tiled wall, lamps, lit shops, polished floor; dim, bluish light.

    Args:
        width: Width of the image in pixels.
        height: Height of the image in pixels.
        horizon: Row where the floor begins.
        rng: Stream of the scene.

    Returns:
        ``(height, width, 3)`` uint8 BGR.
    """
    image = np.zeros((height, width, 3), np.uint8)
    wall = [(128, 112, 96), (112, 116, 98), (134, 120, 122), (104, 96, 90)][rng.integers(4)]
    image[:horizon] = wall
    step = int(rng.integers(14, 26))
    image[:horizon:step] = shade(wall, 0.85)
    image[:horizon, :: 2 * step] = shade(wall, 0.85)
    band = int(horizon * rng.uniform(0.35, 0.6))
    box(image, 0, band, width, int(rng.integers(8, 20)), any_colour(rng, 40, 170))
    for x in range(int(rng.integers(0, 60)), width, int(rng.integers(90, 150))):
        box(image, x, 6, 44, 5, (235, 240, 225))
    for _ in range(int(rng.integers(1, 4))):
        x, w = rng.integers(0, width), rng.integers(40, 90)
        box(image, x, horizon * 0.55, w, horizon * 0.45, (70, 62, 54))
        box(image, x + 4, horizon * 0.6, w - 8, horizon * 0.34, any_colour(rng, 90, 200))
    tone = [(104, 92, 84), (96, 100, 104), (122, 112, 100)][rng.integers(3)]
    _floor(image, horizon, tone, 2.5, rng)
    _tiles(image, horizon, shade(tone, 0.86))
    return image


def _building(image: np.ndarray, left: int, width: int, horizon: int, rng: Rng) -> None:
    tall = int(horizon * rng.uniform(0.55, 1.05))
    tint = rng.uniform(0.8, 1.0, 3) * rng.uniform(125, 215)
    colour = tuple(int(channel) for channel in np.sort(tint))
    box(image, left, horizon - tall, width, tall, colour)
    box(image, left, horizon - tall, width, 4, shade(colour, 0.7))
    pitch, size = int(rng.integers(16, 26)), int(rng.integers(7, 12))
    glass = shade((128, 118, 108), rng.uniform(0.5, 1.5))
    for x in range(left + 8, left + width - size, pitch):
        for y in range(horizon - tall + 10, horizon - 26, pitch + 4):
            box(image, x, y, size, 1.4 * size, glass)
    door = left + int(width * rng.uniform(0.2, 0.7))
    box(image, door, horizon - 24, 13, 24, shade(colour, 0.45))


def _floor(image: np.ndarray, horizon: int, colour: tuple, grain: float, rng: Rng) -> None:
    """Draw ground with two sizes of texture, lighter with distance."""
    rows, width = image.shape[0] - horizon, image.shape[1]
    coarse = rng.normal(0, 1.6 * grain, (max(rows // 12, 1), max(width // 20, 1))).astype(
        np.float32
    )
    texture = cv2.resize(coarse, (width, rows), interpolation=cv2.INTER_CUBIC)
    texture += rng.normal(0, grain, (rows, width)).astype(np.float32)
    fade = np.linspace(1.08, 0.9, rows)[:, None, None]
    image[horizon:] = np.clip(np.array(colour, float) * fade + texture[..., None], 0, 255)


def _tiles(image: np.ndarray, horizon: int, colour: tuple) -> None:
    """Draw lines of a tiled floor that run to one vanishing point."""
    floor = image[horizon:]
    height, width = floor.shape[:2]
    for x in range(-width, 2 * width, 70):
        cv2.line(floor, (width // 2, -60), (x, height), colour, 1, cv2.LINE_AA)
    row, gap = 0.0, 5.0
    while row < height:
        cv2.line(floor, (0, int(row)), (width, int(row)), colour, 1)
        row, gap = row + gap, gap * 1.35
