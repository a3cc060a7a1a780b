"""How large a picture is once it is loaded, read from its header."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image

Size = tuple[int, int]
"""(width, height) in pixels."""

_LYING = range(5, 9)
"""Values of EXIF's orientation by which a picture is turned to its side."""


def picture_size(source: Path | BinaryIO) -> Size:
    """Read a picture's size as our loading transforms and OpenCV give it.

    Cameras store a picture as their sensor lies and note the rotation in EXIF; boxes are drawn on
    the picture after it.

    Args:
        source: The file, or a stream of its bytes.

    Returns:
        (width, height) after the rotation that EXIF asks for.

    Raises:
        OSError: The file cannot be read, or is no picture.
        ValueError: Its header is broken; so says ``SyntaxError`` for some formats.
    """
    with Image.open(source) as picture:
        return picture.size[::-1] if _orientation(picture) in _LYING else picture.size


def _orientation(picture: Image.Image) -> object:
    # Not `getexif`, which takes an orientation from XMP too: OpenCV does not turn such pictures.
    exif = Image.Exif()
    try:
        exif.load(picture.info.get('exif') or b'')
    except Exception:  # broken in any way, which OpenCV passes over as well
        return None
    return exif.get(ExifTags.Base.Orientation)
