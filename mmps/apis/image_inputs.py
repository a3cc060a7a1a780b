"""What people pass instead of an image: paths, arrays, images of Pillow, folders, videos."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmps.gallery import STILL
from mmps.gallery.sources import Sampling, list_sources, read_frames
from mmps.images import read_image
from mmps.structures import DataError

ImageLike = str | Path | np.ndarray | Image.Image
"""A path, a ``(H, W, 3)`` uint8 BGR array as OpenCV reads it, or an image of Pillow."""


def as_pixels(image: ImageLike) -> np.ndarray:
    """Get the pixels of an image: ``(H, W, 3)`` uint8 BGR.

    Args:
        image: A path, an array or an image of Pillow.

    Raises:
        DataError: It cannot be read, or an array has another form.
    """
    if isinstance(image, str | Path):
        return read_image(Path(image))
    if isinstance(image, Image.Image):
        return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise DataError(
            f'an image has shape {image.shape} and type {image.dtype}, expected (H, W, 3) and '
            'uint8, blue first'
        )
    return image


def read_inputs(
    inputs: Sequence[ImageLike], sampling: Sampling
) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """Read the images, and the frames of videos, that inputs stand for.

    Args:
        inputs: See :class:`mmps.apis.PersonSearchInferencer`.
        sampling: Which frames of videos are wanted.

    Returns:
        ``(H, W, 3)`` uint8 BGR each, with the fields of :class:`FoundPeople` that say where it is
        from.

    Raises:
        DataError: An input does not exist or cannot be read.
    """
    for given in inputs:
        if not isinstance(given, str | Path):
            yield as_pixels(given), {'path': None}
            continue
        for source in list_sources([given]):
            for frame in read_frames(source, sampling, note=_note):
                number = None if frame.number == STILL else frame.number
                time = None if np.isnan(frame.time) else frame.time
                yield frame.image, {'path': Path(source), 'frame': number, 'time': time}


def _note(sentence: str) -> None:
    sys.stderr.write(f'{sentence}\n')
