"""Walls in space: facades with windows and shops, and the walls of a hall."""

from __future__ import annotations

import cv2
import numpy as np

from mmps.synthetic.appearance import Colour

from .light import Light
from .texture import noise_at
from .view import View

Rng = np.random.Generator
_PIXELS = 14
"""Pixels of a wall's texture per metre."""


def stand_wall(
    image: np.ndarray,
    view: View,
    texture: np.ndarray,
    left: tuple[float, float],
    right: tuple[float, float],
    height: float,
) -> None:
    """Draw an upright wall.

    Args:
        image: ``(height, width, 3)`` uint8 RGB; it is modified.
        view: The camera.
        texture: ``(h, w, 3)`` uint8 RGB, the wall seen from its front; a fourth channel is its
            coverage.
        left: Place of its left end, x and z in metres.
        right: Place of its right end.
        height: Its height in metres.
    """
    corners = [(*left, height), (*right, height), (*right, 0.0), (*left, 0.0)]
    target, _ = view.project(np.array([[x, y, z] for x, z, y in corners]))
    h, w = texture.shape[:2]
    source = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    low = np.clip(np.floor(target.min(axis=0)), 0, image.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(target.max(axis=0)) + 1, 0, image.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    size, patch = (high - low).tolist(), image[low[1] : high[1], low[0] : high[0]]
    matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ matrix
    if texture.shape[2] == 3:
        seen = np.ascontiguousarray(patch)
        patch[:] = cv2.warpPerspective(texture, matrix, size, dst=seen,
                                       borderMode=cv2.BORDER_TRANSPARENT)  # fmt: skip
        return
    seen = cv2.warpPerspective(texture, matrix, size)
    cover = seen[..., 3:].astype(np.float32) / 255
    patch[:] = (patch * (1 - cover) + seen[..., :3] * cover).astype(np.uint8)


def facade(length: float, height: float, light: Light, rng: Rng) -> np.ndarray:
    """Draw the texture of a row of houses: windows, shops with signs, doors, dirt.

    Args:
        length: Length in metres.
        height: Height in metres.
        light: The light.
        rng: Stream of the scene.

    Returns:
        ``(h, w, 3)`` uint8 RGB.
    """
    wall = np.zeros((int(height * _PIXELS), int(length * _PIXELS), 3), np.float32)
    start = 0
    while start < wall.shape[1]:
        end = start + int(rng.uniform(5, 13) * _PIXELS)
        _house(wall[:, start:end], rng)
        start = end
    return lit(wall, light, rng)


def _house(wall: np.ndarray, rng: Rng) -> None:
    grey = rng.uniform(105, 215)
    warm = rng.uniform(-0.06, 0.16)
    wall[:] = (grey * (1 + warm), grey, grey * (1 - warm))
    rows, columns = wall.shape[:2]
    storey, bay = int(rng.uniform(2.9, 3.6) * _PIXELS), int(rng.uniform(1.6, 3.2) * _PIXELS)
    wide, tall = int(bay * rng.uniform(0.4, 0.75)), int(storey * rng.uniform(0.45, 0.65))
    glass, frame = rng.uniform(35, 110), grey * rng.uniform(0.55, 1.15)
    for y in range(rows - storey - tall - 8, -tall, -storey):
        for x in range(bay // 4, columns - wide, bay):
            top = max(y, 0)
            wall[top : y + tall + 2, max(x - 2, 0) : x + wide + 2] = frame
            pane = glass * rng.uniform(0.6, 1.7)
            wall[top : y + tall, x : x + wide] = (0.92 * pane, pane, 1.08 * pane)
    _shops(wall[rows - storey :], rng)


def _shops(wall: np.ndarray, rng: Rng) -> None:
    rows, columns = wall.shape[:2]
    x = int(rng.integers(0, 12))
    while x < columns - 20:
        wide = int(rng.uniform(1.2, 4.5) * _PIXELS)
        kind = rng.random()
        if kind < 0.5:  # a shop window under a sign
            wall[4 : rows // 4, x : x + wide] = rng.uniform(30, 225, 3)
            wall[rows // 4 : rows - 3, x : x + wide] = rng.uniform(35, 120) * rng.uniform(
                0.9, 1.1, 3
            )
            for _ in range(int(rng.integers(1, 5))):
                u, v = x + int(rng.integers(0, wide)), int(rng.integers(rows // 3, rows - 8))
                wall[v : v + int(rng.integers(4, 16)), u : u + int(rng.integers(3, 9))] = (
                    rng.uniform(50, 230, 3)
                )
        elif kind < 0.8:  # a door
            wall[rows // 4 :, x : x + int(1.1 * _PIXELS)] = rng.uniform(35, 130, 3)
        x += wide + int(rng.uniform(0.3, 2.5) * _PIXELS)


def hall_wall(length: float, height: float, light: Light, rng: Rng) -> np.ndarray:
    """Draw the texture of a wall indoors: panels, posters, doors, shelves.

    Args:
        length: Length in metres.
        height: Height in metres.
        light: The light.
        rng: Stream of the scene.

    Returns:
        ``(h, w, 3)`` uint8 RGB.
    """
    wall = np.zeros((int(height * _PIXELS), int(length * _PIXELS), 3), np.float32)
    grey, warm = rng.uniform(110, 225), rng.uniform(-0.06, 0.14)
    wall[:] = (grey * (1 + warm), grey, grey * (1 - warm))
    rows, columns = wall.shape[:2]
    wall[int(rows * rng.uniform(0.6, 0.9)) :] *= rng.uniform(0.6, 1.0)
    wall[:, :: int(rng.uniform(1.2, 3) * _PIXELS)] *= 0.8
    shelves = rng.random() < 0.35
    for _ in range(int(columns / _PIXELS / 2.2)):
        wide, tall = (int(rng.uniform(0.5, 1.9) * _PIXELS) for _ in range(2))
        x, y = int(rng.integers(0, columns)), int(rows * rng.uniform(0.2, 0.5))
        wall[y : y + tall, x : x + wide] = rng.uniform(40, 235, 3)
        if shelves:
            _shelf(wall[y:, x : x + 2 * wide], rng)
        elif rng.random() < 0.3:
            wall[int(rows * 0.35) :, x : x + int(1.0 * _PIXELS)] = rng.uniform(40, 150, 3)
    return lit(wall, light, rng)


def _shelf(wall: np.ndarray, rng: Rng) -> None:
    rows, columns = wall.shape[:2]
    for y in range(0, rows - 6, 7):
        goods = rng.uniform(40, 235, (1, max(columns // 4, 1), 3))
        wall[y : y + 5] = np.repeat(goods, 4, axis=1)[:, :1].mean(axis=1)
        wide = min(4 * goods.shape[1], columns)
        wall[y : y + 5, :wide] = np.repeat(goods, 4, axis=1)[:, :wide]


def lit(wall: np.ndarray, light: Light, rng: Rng) -> np.ndarray:
    """Put dirt and light on a texture.

    Args:
        wall: ``(h, w, 3)`` RGB.
        light: The light.
        rng: Stream of the scene.

    Returns:
        ``(h, w, 3)`` uint8 RGB.
    """
    rows, columns = wall.shape[:2]
    shift = rng.integers(0, 256, 2)
    x, y = np.arange(columns)[None] + shift[0], np.arange(rows)[:, None] + shift[1]
    dirt = 1 + np.float32(0.16) * noise_at(x, y, 0.5) + np.float32(0.1) * noise_at(x, y, 2)
    share = rng.uniform(0.1, 0.8)
    bright = np.array(light.sky, np.float32) + np.float32(share) * np.array(light.sun, np.float32)
    return np.clip(wall.astype(np.float32) * dirt[..., None] * bright, 0, 255).astype(np.uint8)


def foliage(light: Light, rng: Rng) -> np.ndarray:
    """Draw the texture of a tree: leaves in clumps, a trunk.

    Args:
        light: The light.
        rng: Stream of the scene.

    Returns:
        ``(h, w, 4)`` uint8, RGB and coverage.
    """
    y, x = np.mgrid[:112, :96].astype(np.float32)
    shift = rng.integers(0, 256, 2)
    clumps = noise_at(x + shift[0], y + shift[1], 1.5)
    crown = 1 - ((x - 48) / 44) ** 2 - ((y - 44) / 42) ** 2 + 1.1 * clumps > 0.15
    green = np.array((rng.uniform(45, 90), rng.uniform(75, 115), rng.uniform(30, 55)))
    top_light = 1.15 - 0.004 * y + 1.6 * noise_at(x + shift[1], y + shift[0], 3)
    leaves = green * np.clip(top_light, 0.3, 1.8)[..., None]
    trunk = (np.abs(x - 48 - 3 * clumps) < 3.5) & (y > 50) & ~crown
    colour = np.where(trunk[..., None], np.array((78, 62, 48)), leaves)
    cover = np.where(crown | trunk, 255, 0).astype(np.uint8)
    return np.dstack([lit(colour, light, rng), cover])


def sky(image: np.ndarray, view: View, light: Light, rng: Rng) -> Colour:
    """Draw the sky with clouds down to the horizon.

    Args:
        image: ``(height, width, 3)`` uint8 RGB; it is modified.
        view: The camera.
        light: The light.
        rng: Stream of the scene.

    Returns:
        RGB of what is far away.
    """
    rows = int(np.clip(view.horizon + 3, 1, image.shape[0]))
    x, y = np.arange(image.shape[1])[None], np.arange(rows)[:, None]
    cloud = 0.6 + noise_at(x + rng.integers(256), 2.5 * y + rng.integers(256), 0.4)
    cloud = np.clip(cloud + float(rng.uniform(-0.4, 0.4)), 0, 1)[..., None]
    blue = np.array((135, 175, 225), np.float32) * np.float32(rng.uniform(0.75, 1.05))
    white = np.array((225, 228, 232), np.float32) * np.float32(min(sum(light.sky) / 2, 1))
    image[:rows] = np.clip(blue + (white - blue) * cloud, 0, 255)
    return tuple(int(channel) for channel in 0.85 * white)
