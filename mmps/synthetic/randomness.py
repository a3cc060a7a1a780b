"""Independent random streams, named by what they draw, so that the order of draws is irrelevant."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """Create the random stream of one part of a set.

    Args:
        seed: The data set's seed, at least 0.
        *path: Names of the part, such as ``'scene', 12``.

    Returns:
        A generator that is the same for the same arguments and independent for all others.
    """
    keys = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path]
    return np.random.default_rng([seed, *keys])
