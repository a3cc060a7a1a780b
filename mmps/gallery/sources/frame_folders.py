"""Folders whose images are the frames of one video."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmps.digests import file_digest
from mmps.images import image_suffixes, read_image
from mmps.structures import DataError

from .listing import natural


@dataclass(frozen=True)
class FileState:
    """What a file is recognised by, without and with reading it.

    Attributes:
        size: In bytes; of a folder the sum of its images.
        mtime: Time of the last change in nanoseconds; of a folder that of its newest image.
    """

    size: int
    mtime: int


def frame_files(folder: str) -> list[str]:
    """List the frames of a folder: its images in natural order, without sub-folders.

    Args:
        folder: Its path.

    Raises:
        DataError: It is gone.
    """
    suffixes = image_suffixes()
    try:
        names = sorted(os.listdir(folder), key=natural)
    except OSError as error:
        raise DataError(f'{folder} cannot be read: {error.strerror or error}') from None
    kept = (n for n in names if not n.startswith('.') and Path(n).suffix.lower() in suffixes)
    return [os.path.join(folder, name) for name in kept]


def state_of(source: str) -> FileState:
    """Look at a file, or at all frames of a folder.

    Args:
        source: Its path.

    Raises:
        OSError: It is gone.
    """
    if not os.path.isdir(source):
        status = os.stat(source)
        return FileState(status.st_size, status.st_mtime_ns)
    states = [os.stat(path) for path in frame_files(source)]
    newest = max((status.st_mtime_ns for status in states), default=0)
    return FileState(sum(status.st_size for status in states), newest)


def frames_digest(folder: str, rate: float | None) -> str:
    """Hash the content of all frames in their order.

    Args:
        folder: Its path.
        rate: Frames a second, which the times of the rows follow.

    Returns:
        Hexadecimal digits and, behind them, the rate.
    """
    digest = hashlib.sha256()
    for path in frame_files(folder):
        digest.update(file_digest(path).encode())
    return digest.hexdigest() + rate_mark(rate)


def rate_mark(rate: float | None) -> str:
    """Return how the digest of a folder ends whose frames have this rate."""
    return f'@{rate or 0:g}'


def read_folder_frames(
    folder: str, wanted: range | list[int]
) -> Iterator[tuple[int, np.ndarray | DataError]]:
    """Read frames by their number.

    Args:
        folder: Its path.
        wanted: Numbers from 0, ascending.

    Yields:
        Number and ``(H, W, 3)`` uint8 BGR, or why the frame cannot be read.
    """
    files = frame_files(folder)
    for number in wanted:
        if number >= len(files):
            yield number, DataError(f'{folder} has only {len(files)} frames any more')
            return
        try:
            yield number, read_image(Path(files[number]))
        except DataError as error:
            yield number, error
