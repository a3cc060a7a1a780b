"""Noise that looks like folds, dirt and leaves: one tile, computed once, read at any scale."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

SIZE = 256


@cache
def noise_tile() -> np.ndarray:
    """Make the tile.

    Returns:
        ``(256, 256)`` float32 of mean 0 and standard deviation 0.25; its edges fit together.
    """
    rng = np.random.default_rng(0)
    tile = np.zeros((SIZE, SIZE), np.float32)
    for cells in (8, 16, 32, 64, 128):
        coarse = rng.normal(0, 1 / cells**0.6, (cells, cells)).astype(np.float32)
        around = np.pad(coarse, 2, mode='wrap')
        step = SIZE // cells
        fine = cv2.resize(around, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        tile += fine[2 * step : 2 * step + SIZE, 2 * step : 2 * step + SIZE]
    return (tile - tile.mean()) / (4 * tile.std())


def noise_at(x: np.ndarray, y: np.ndarray, pixels: float) -> np.ndarray:
    """Read the tile.

    Args:
        x: Coordinates, broadcast with ``y``.
        y: Coordinates.
        pixels: Pixels of the tile per unit of the coordinates.

    Returns:
        Noise of standard deviation 0.25, float32.
    """
    columns = (np.asarray(x) * pixels).astype(np.int32) & (SIZE - 1)
    rows = (np.asarray(y) * pixels).astype(np.int32) & (SIZE - 1)
    return noise_tile().ravel().take(rows * SIZE + columns)
