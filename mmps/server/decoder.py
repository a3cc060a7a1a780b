"""The process that decodes uploads: what an image does to it, it does to nobody else.

It reads a line of JSON and as many bytes as that says, and writes a line of JSON and the pixels.
"""

from __future__ import annotations

import io
import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

MEMORY = 2**30
"""Bytes that decoding may take."""


def load_light() -> None:
    """Import what decodes images without what else mmps needs.

    The packages themselves load torch: seconds, and most of the memory that is bounded here.
    """
    root = Path(__file__).parents[1]
    sys.path[0] = str(root.parent)
    for name, folder in (('mmps', root), ('mmps.structures', root / 'structures')):
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = [str(folder)]
    package.DataError = import_module('mmps.structures.errors').DataError


def main() -> None:
    """Decode until the input ends."""
    load_light()
    import_module('mmps.images')
    source, out = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not come between the pixels
    _bound_memory()
    out.write(b'{"ready": true}\n')
    out.flush()
    while line := source.readline():
        asked = json.loads(line)
        answer(source.read(asked['size']), asked, out)
        out.flush()


def answer(data: bytes, asked: dict[str, Any], out: BinaryIO) -> None:
    """Decode one image and write the answer.

    Args:
        data: Its bytes.
        asked: ``name`` for messages, and ``max_pixels``.
        out: Where the answer goes.
    """
    from mmps.structures import DataError

    try:
        pixels = decoded(data, asked['name'], asked['max_pixels'])
    except DataError as error:
        out.write(json.dumps({'problem': str(error)}).encode() + b'\n')
        return
    height, width = pixels.shape[:2]
    out.write(json.dumps({'height': height, 'width': width}).encode() + b'\n')
    out.write(np.ascontiguousarray(pixels).data)


def decoded(data: bytes, name: str, max_pixels: int) -> np.ndarray:
    """Decode an image that is not too large.

    Args:
        data: Its bytes.
        name: For messages.
        max_pixels: Limit, checked before anything is decoded.

    Raises:
        DataError: It is larger, or no image.
    """
    from mmps.images import decode, image_size
    from mmps.structures import DataError

    try:
        width, height = image_size(io.BytesIO(data))
    except (OSError, MemoryError):  # the sentence comes from decoding
        width = height = 0
    if width * height > max_pixels:
        raise DataError(
            f'{name} has {width} x {height} pixels, more than {max_pixels:,}: save it smaller'
        )
    pixels = decode(data, name)
    if pixels.shape[0] * pixels.shape[1] > max_pixels:
        raise DataError(f'{name} has more than {max_pixels:,} pixels: save it smaller')
    return pixels


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # not on this system; time is bounded everywhere
        return
    try:
        with open('/proc/self/statm') as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


if __name__ == '__main__':
    main()
