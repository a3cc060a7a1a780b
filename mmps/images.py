"""The one room that reads image files: their bytes, their size and their pixels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image

from mmps.structures import DataError

Size = tuple[int, int]
"""(width, height) in pixels."""

_LYING = range(5, 9)
"""Values of EXIF's orientation by which an image is turned to its side."""


def read_image(path: Path) -> np.ndarray:
    """Read and decode an image file.

    Args:
        path: The file.

    Returns:
        ``(H, W, 3)`` uint8 BGR, after the rotation that EXIF asks for.

    Raises:
        DataError: The file is missing, no image, or not a whole one.
    """
    return decode(read_whole(path), path)


def read_whole(path: Path) -> bytes:
    """Read an image file.

    Raises:
        DataError: The file is missing, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f'{path} cannot be read ({error.strerror}): restore the image, or convert the '
            'data set again without it'
        ) from error


def decode(data: bytes, path: Path, flags: int | None = None) -> np.ndarray:
    """Decode an image.

    Args:
        data: All bytes of the file.
        path: For the message.
        flags: OpenCV's ``IMREAD_...``; ``IMREAD_COLOR`` if not given.

    Returns:
        ``(H, W, 3)`` uint8 BGR.

    Raises:
        DataError: The bytes are no image, or not a whole one.
    """
    import cv2

    # Some versions of OpenCV fill up what a cut JPEG lacks with grey, and say nothing.
    cut = data[:2] == b'\xff\xd8' and b'\xff\xd9' not in data[-1024:]
    whole = len(data) and not cut
    flags = cv2.IMREAD_COLOR if flags is None else flags
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if whole else None
    if image is None:
        raise DataError(
            f'{path} is no readable image, or cut short ({len(data)} bytes): download it '
            'again, or convert the data set again without it'
        )
    return image


def picture_size(source: Path | BinaryIO) -> Size:
    """Read an image's size as :func:`decode` gives it, from the header.

    Cameras store an image as their sensor lies and note the rotation in EXIF; boxes are drawn on
    the image after it.

    Args:
        source: The file, or a stream of its bytes.

    Returns:
        (width, height) after the rotation that EXIF asks for.

    Raises:
        OSError: The file cannot be read, or is no image.
        ValueError: Its header is broken; so says ``SyntaxError`` for some formats.
    """
    with Image.open(source) as image:
        return image.size[::-1] if _orientation(image) in _LYING else image.size


def jpeg_size(data: bytes) -> Size | None:
    """Read a JPEG's size from its header, without decoding it.

    Args:
        data: Bytes of any file.

    Returns:
        (width, height) after the rotation that EXIF asks for; ``None`` where the file is no
        JPEG, or its header is broken.
    """
    if data[:2] != b'\xff\xd8':
        return None
    try:
        return picture_size(io.BytesIO(data))
    except Exception:  # headers break in any way; the decoder has the last word
        return None


def _orientation(image: Image.Image) -> object:
    # Not `getexif`, which takes an orientation from XMP too: OpenCV does not turn such images.
    exif = Image.Exif()
    try:
        exif.load(image.info.get('exif') or b'')
    except Exception:  # broken in any way, which OpenCV passes over as well
        return None
    return exif.get(ExifTags.Base.Orientation)
