"""Images decoded to their last pixel, as training does it, in several processes."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import IO, NamedTuple

from mmps.images import decode, read_whole, used_bits
from mmps.structures import DataError

from ..problems import Problem

_CHUNK = 8
_HARMLESS = ('[', 'libpng warning')
"""Beginnings of lines about OpenCV itself, or of harmless remarks about an intact image."""


class Decoded(NamedTuple):
    """The result of decoding one image.

    Attributes:
        size: (width, height), ``None`` if no image could be decoded.
        said: Messages of the decoder.
        bits: Number of its 16 bits that a nearly black image uses, otherwise ``None``.
    """

    size: tuple[int, int] | None
    said: str
    bits: int | None


def check_decoding(
    images: Sequence[dict],
    folder: Path,
    workers: int,
    progress: Callable[[Iterable, int], Iterable],
) -> Iterator[Problem]:
    """Check that every image can be decoded, and then has the size that the file says.

    Args:
        images: Entries of ``images``.
        folder: Folder that file names are relative to.
        workers: Number of processes that decode; the result does not depend on it.
        progress: Receives an iterable of decoded images and their number; returns the iterable.

    Yields:
        Errors for images that are missing, cannot be decoded or have another size, warnings for
        those that a decoder could only guess in part or that are nearly black for their depth.

    Raises:
        DataError: A process was killed.
    """
    paths = [folder / image['file_name'] for image in images]
    with ProcessPoolExecutor(workers, initializer=_catch_complaints) as pool:
        decoded = progress(pool.map(_decode, paths, chunksize=_CHUNK), len(paths))
        try:
            for image, result in zip(images, decoded, strict=True):
                yield from _judge(image, folder, result)
        except BrokenProcessPool as error:
            raise DataError(
                f'a process that decoded images of {folder} was killed, perhaps for lack of '
                'memory: use fewer processes (--workers)'
            ) from error


def _judge(image: dict, folder: Path, result: Decoded) -> Iterator[Problem]:
    name, path = image['file_name'], folder / image['file_name']
    size, said, bits = result
    if not path.is_file():
        yield Problem(f'an image is missing under {folder}', name)
    elif size is None:
        where = f'{name} ({said or f"{path.stat().st_size} bytes"})'
        yield Problem('an image is broken or cut short', where)
    elif size != (image['width'], image['height']):
        said_size = f'{image["width"]}x{image["height"]}'
        place = f'{name} (decoded {size[0]}x{size[1]}, annotation {said_size})'
        yield Problem('an image has another size', place)
    if size is not None and said:
        kind = 'an image is damaged, and only partly decoded'
        yield Problem(kind, f'{name} ({said})', is_error=False)
    if bits is not None:
        kind = 'an image has 16 bits and uses fewer, so it is loaded nearly black'
        yield Problem(kind, f'{name} ({bits} bits)', is_error=False)


# In the worker processes. OpenCV's decoders tell of damage on the standard error stream alone.

_complaints: IO[bytes] | None = None


def _catch_complaints() -> None:
    import cv2

    global _complaints  # noqa: PLW0603  # a worker has no other place that lasts between calls
    _complaints = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the worker lives
    os.dup2(_complaints.fileno(), 2)
    cv2.setNumThreads(0)
    warnings.simplefilter('ignore')  # what Python's side remarks is no damage


def _decode(path: Path) -> Decoded:
    _complaints.seek(0)
    _complaints.truncate()
    size = bits = cause = None
    try:
        data = read_whole(path)
        image = decode(data, path)
        size, bits = image.shape[1::-1], used_bits(data, image)
    except DataError as error:
        cause = error.__cause__
    _complaints.seek(0)
    lines = _complaints.read().decode(errors='replace').splitlines()
    if isinstance(cause, MemoryError):
        lines = ['it does not fit into memory']
    said = next((line for line in lines if line and not line.startswith(_HARMLESS)), '')
    return Decoded(size, said, bits)
