"""Arrays on disk that survive a kill: written completely or not at all, checked before use."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mmps.files import atomic_file

DIGEST_SIZE = hashlib.sha256().digest_size
"""Number of bytes after an array that contain the checksum of all bytes before."""


def write_shard(path: Path, rows: np.ndarray) -> None:
    """Write an array followed by its checksum.

    Array and checksum are one file, so that several writers of one path cannot mix them up.
    NumPy's reader ignores bytes after the array.

    Args:
        path: Path of the array, ending in ``.npy``.
        rows: An array of any shape.
    """
    with atomic_file(path) as file:
        np.save(file, rows, allow_pickle=False)
        size = file.tell()
        file.seek(0)
        checksum = _digest(file, size)
        file.seek(size)
        file.write(checksum)


def shard_fault(path: Path) -> str | None:
    """Return what is wrong with a shard, or ``None`` if its bytes are unchanged."""
    if not path.is_file():
        return 'is missing'
    size = path.stat().st_size - DIGEST_SIZE
    with open(path, 'rb') as file:
        whole = size > 0 and _digest(file, size) == file.read(DIGEST_SIZE)
    return None if whole else 'has changed since it was written'


def open_shard(path: Path) -> np.ndarray:
    """Map an array into memory, read-only."""
    return np.load(path, mmap_mode='r', allow_pickle=False)


def _digest(file: BinaryIO, size: int) -> bytes:
    digest = hashlib.sha256()
    while size:
        chunk = file.read(min(size, 1 << 22))
        digest.update(chunk)
        size -= len(chunk)
    return digest.digest()
