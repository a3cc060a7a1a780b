"""The only module that reads image files: their bytes, their size and their pixels.

It reads every format that OpenCV or Pillow reads, as OpenCV reads it if both do: 8 bits per
channel, blue first, without transparency, after EXIF rotation, the first frame of several.
"""

from __future__ import annotations

import functools
import io
import re
import threading
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from mmps.structures import DataError

Size = tuple[int, int]
"""(width, height) in pixels."""

_LYING = range(5, 9)  # EXIF orientations that exchange width and height

_TURNS = dict(
    enumerate(('FLIP_LEFT_RIGHT', 'ROTATE_180', 'FLIP_TOP_BOTTOM', 'TRANSPOSE', 'ROTATE_270',
               'TRANSVERSE', 'ROTATE_90'), start=2)
)  # fmt: skip
"""The operations that undo EXIF's orientations 2 to 8."""

_NOT_IMAGES = {'BUFR', 'EPS', 'GRIB', 'HDF5', 'MPEG', 'WMF'}
"""Formats of Pillow that it only identifies, or that start another program."""

_FLOATS = (b'PF', b'Pf')  # beginnings of portable float maps

_JPEG, _PNG = b'\xff\xd8', b'\x89PNG\r\n\x1a\n'
_DEEP = (_PNG, b'II*\0', b'MM\0*', b'II+\0', b'MM\0+', b'\0\0\0\x0cjP  ', b'\xff\x4f\xff\x51')
"""Beginnings of files that may have 16 bits: PNG, TIFF and JPEG 2000."""

_HEIF = (b'ftypheic', b'ftypheix', b'ftypheim', b'ftyphevc', b'ftypmif1')

_SEGMENT = re.compile(rb'\xff[\x01-\xfe]')
_AFTER_SCAN = re.compile(rb'\xff[\xc4\xd9-\xdd\xe0-\xef\xfe]')
"""Marks that may follow the coded data of a scan, in which 0 or a restart mark follows ff."""
_END, _SCAN, _WITHOUT_LENGTH = 0xD9, 0xDA, {0x01, *range(0xD0, 0xD9)}

_DARK_BITS = 14
_dark: list[Path] = []
_opening = threading.Lock()


def read_image(path: Path) -> np.ndarray:
    """Read and decode an image file.

    Args:
        path: The file.

    Returns:
        ``(H, W, 3)`` uint8 BGR, after EXIF rotation.

    Raises:
        DataError: The file is missing, not an image, or incomplete.
    """
    return decode(read_whole(path), path)


def read_whole(path: str | Path, backend_args: dict | None = None) -> bytes:
    """Read an image file.

    Args:
        path: The file, or an address that a file backend of MMEngine knows.
        backend_args: Arguments of the file backend.

    Raises:
        DataError: The file is missing or cannot be read.
    """
    from mmengine import fileio  # loads torch, which decoding does without

    try:
        return fileio.get(path, backend_args)
    except OSError as error:
        raise DataError(
            f'{path} cannot be read ({error.strerror or error}): restore the image, or leave it out'
        ) from error


def decode(data: bytes, path: str | Path, flags: int | None = None) -> np.ndarray:
    """Decode an image, and warn once of 16-bit files that are nearly black.

    Args:
        data: All bytes of the file; bytes after the end of a JPEG are ignored.
        path: The file, for messages.
        flags: OpenCV's ``IMREAD_...``. Images that only Pillow reads are not reduced.

    Returns:
        ``(H, W, 3)`` uint8 BGR. 16-bit samples are reduced to their upper 8 bits.

    Raises:
        DataError: The bytes are not an image, incomplete, or the image does not fit into memory.
    """
    try:
        image = _decode(data, flags)
    except MemoryError as error:
        raise DataError(f'{path} does not fit into memory: save it smaller') from error
    if image is None:
        if data[4:12] in _HEIF:
            raise DataError(f'{path} is an HEIC file, which is not read: save it as JPEG')
        raise DataError(
            f'{path} is no readable image, or cut short ({len(data)} bytes): download it '
            'again, or leave it out (convert a data set again)'
        )
    if (bits := used_bits(data, image)) is not None:
        _warn_of_darkness(path, bits)
    return image


def used_bits(data: bytes, image: np.ndarray) -> int | None:
    """Count the bits that a 16-bit file uses, if that leaves it nearly black.

    Images of cameras with 10, 12 or 14 bits are often stored this way. No metadata marks them:
    PNG's sBIT belongs to samples that were scaled to all 16 bits, and TIFF's MaxSampleValue must
    not change how an image looks. A scale from the brightest pixel would differ between images.

    Args:
        data: All bytes of the file.
        image: The result of :func:`decode`.

    Returns:
        Bits of the brightest value if they are 1 to 14 of 16, otherwise ``None``.
    """
    import cv2

    shallow = data[:8] == _PNG and data[24:25] != b'\x10'
    if not data.startswith(_DEEP) or shallow or image.max(initial=0) >> (_DARK_BITS - 8):
        return None
    deep = _opencv(data, cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16:
        return None
    return int(deep.max(initial=0)).bit_length() or None


def image_size(source: Path | BinaryIO) -> Size:
    """Read the size that :func:`decode` would return, from the header, even of huge images.

    Cameras store an image in the orientation of their sensor and record the rotation in EXIF;
    boxes refer to the image after it.

    Args:
        source: The file, or a stream of its bytes.

    Returns:
        (width, height) after EXIF rotation.

    Raises:
        OSError: The file cannot be read, is not an image, or its header is broken.
    """
    try:
        with _open(source) as image:
            _check_whole_numbers(image)
            return image.size[::-1] if _orientation(image) in _LYING else image.size
    except UnidentifiedImageError:
        # Only OpenCV reads a few formats, such as Radiance HDR.
        if not isinstance(source, Path):
            source.seek(0)
        data = source.read_bytes() if isinstance(source, Path) else source.read()
        decoded = _decode(data)
        if decoded is None:
            raise
        return decoded.shape[1::-1]
    except OSError:
        raise
    except Exception as error:  # Pillow's plugins raise whatever their parsing happens to raise
        raise OSError(f'the header is broken: {error}') from error


@functools.cache
def image_suffixes() -> frozenset[str]:
    """List the file name suffixes of images.

    Returns:
        Lower-case suffixes with their dot, of all formats that can be read.
    """
    Image.init()
    known = Image.registered_extensions().items()
    pillow = {suffix for suffix, name in known if name in Image.OPEN and name not in _NOT_IMAGES}
    return frozenset(pillow | {'.hdr', '.pam', '.pic', '.ras', '.sr'})


def jpeg_end(data: bytes) -> int | None:
    """Find the end of a JPEG: the mark after its last scan.

    Thumbnails in EXIF have such a mark too, and phones and download tools append videos, further
    images or zeros. The segments are therefore parsed as in a decoder.

    Args:
        data: All bytes of the file.

    Returns:
        Number of bytes that belong to the image, ``None`` if its end is missing.
    """
    position, pattern = 2, _SEGMENT
    while mark := pattern.search(data, position):
        position = mark.end()
        code = data[position - 1]
        if code == _END:
            return position
        if code not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], 'big')
            pattern = _AFTER_SCAN if code == _SCAN else _SEGMENT
    return None


def _decode(data: bytes, flags: int | None = None) -> np.ndarray | None:
    import cv2

    # Some versions of OpenCV silently fill the missing part of a truncated JPEG with grey.
    end = jpeg_end(data) if data[:2] == _JPEG else len(data)
    if not end or data[:2] in _FLOATS:
        return None
    # OpenCV does not scale by the white value in the header of such a file.
    image = None if _has_own_white(data) else _opencv(data[:end], flags or cv2.IMREAD_COLOR)
    return _pillow(data[:end]) if image is None else image


def _opencv(data: bytes, flags: int) -> np.ndarray | None:
    import cv2

    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # such as more pixels than OpenCV's limit
        return None


def _has_own_white(data: bytes) -> bool:
    header = re.match(rb'P[2356](?:\s+|#[^\n]*\n)+(?:\d+(?:\s+|#[^\n]*\n)+){2}(\d+)', data[:4096])
    return header is not None and int(header[1]) not in (255, 65535)


def _pillow(data: bytes) -> np.ndarray | None:
    try:
        with _open(io.BytesIO(data)) as image:
            turn = _TURNS.get(_orientation(image))
            pixels = _to_bytes(image)
    except MemoryError:
        raise
    except Exception:  # broken in any way; the caller names the file
        return None
    if turn is not None:
        pixels = pixels.transpose(Image.Transpose[turn])
    return np.ascontiguousarray(np.asarray(pixels)[..., ::-1])


def _to_bytes(image: Image.Image) -> Image.Image:
    _check_whole_numbers(image)
    if image.mode.startswith('I'):
        upper = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        image = Image.fromarray(upper.astype(np.uint8))
    return image.convert('RGB')


def _check_whole_numbers(image: Image.Image) -> None:
    if image.mode == 'F':
        raise ValueError(
            'pixels are floating-point numbers, and nothing defines which one is white'
        )


def _open(source: Path | BinaryIO) -> Image.Image:
    Image.preinit()  # the usual formats are tried first
    Image.init()
    formats = [name for name in Image.ID if name not in _NOT_IMAGES]
    with _opening:  # two threads must not restore each other's limit
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(source, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _orientation(image: Image.Image) -> object:
    # Not `getexif`, which takes an orientation from XMP too: OpenCV does not turn such images.
    exif = Image.Exif()
    try:
        exif.load(image.info.get('exif') or b'')
    except Exception:  # damaged EXIF, which OpenCV ignores as well
        return None
    return exif.get(ExifTags.Base.Orientation)


def _warn_of_darkness(path: Path, bits: int) -> None:
    if not _dark:
        _dark.append(path)
        warnings.warn(
            f'{path} has 16 bits per channel and uses {bits} of them, so it is loaded nearly '
            'black; scale such images to all 16 bits, or save them with 8 (reported once)',
            stacklevel=3,
        )
