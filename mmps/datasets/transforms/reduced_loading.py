from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmcv.image import rescale_size
from mmdet.datasets.transforms import Resize

from mmps.images import Size, decode, image_size, read_whole
from mmps.registry import TRANSFORMS

REDUCTIONS = (8, 4, 2)
"""Factors by which JPEG decoders can reduce an image while they decode it."""


@TRANSFORMS.register_module()
class LoadResizedScene(Resize):
    """:class:`LoadScene` and mmdet's ``Resize`` in one, faster for large JPEGs.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if that leaves at least the target size in
    both directions, and then resized. Sizes, factors and boxes are those of the two transforms.
    Pixels differ slightly: decoding averages while ``Resize`` interpolates, and a side that is
    not a multiple of the reduction is stretched by less than a pixel. Other files are decoded
    unchanged.

    Needs ``img_path``; adds ``img`` ``(H, W, 3)`` uint8 BGR, ``img_shape``, ``ori_shape`` and
    the other keys that ``Resize`` adds; scales boxes that were loaded before.

    Args:
        scale: (width, height) of the result, in pixels.
        keep_ratio: As in ``Resize``.
        least: Smallest decoded size as a fraction of the target size. Below 1, a direction may
            be decoded too small and stretched: with 0.84, 1920x1080 images at 640x640 are decoded
            at 960x540.
        **kwargs: As in ``Resize``: ``interpolation``, ``backend``, ``clip_object_border``.

    Raises:
        DataError: The file is missing or no image.
    """

    def __init__(
        self, scale: Size, keep_ratio: bool = False, least: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(scale=scale, keep_ratio=keep_ratio, **kwargs)
        self.least = least

    def _resize_img(self, results: dict) -> None:
        path = Path(results['img_path'])
        data = read_whole(path)
        image, full = self._decode_reduced(data, path)
        wanted = self._wanted(full)
        results['img'] = mmcv.imresize(
            image, wanted, interpolation=self.interpolation, backend=self.backend
        )
        results['img_shape'], results['ori_shape'] = wanted[::-1], full[::-1]
        results['scale_factor'] = (wanted[0] / full[0], wanted[1] / full[1])
        results['keep_ratio'] = self.keep_ratio

    def _decode_reduced(self, data: bytes, path: Path) -> tuple[np.ndarray, Size]:
        import cv2

        full = jpeg_size(data)
        factor = reduction(full, self._wanted(full), self.least) if full else 1
        if factor > 1:
            image = decode(data, path, getattr(cv2, f'IMREAD_REDUCED_COLOR_{factor}'))
            # OpenCV may read an unusual header differently; then its result is used.
            if image.shape[:2] == tuple(math.ceil(length / factor) for length in full[::-1]):
                return image, full
        image = decode(data, path)
        return image, image.shape[1::-1]

    def _wanted(self, full: Size) -> Size:
        scale = tuple(self.scale)
        return rescale_size(full, scale) if self.keep_ratio else scale


def jpeg_size(data: bytes) -> Size | None:
    """Read a JPEG's size from its header, without decoding it.

    Args:
        data: Bytes of any file.

    Returns:
        (width, height) after EXIF rotation; ``None`` if the file is not a JPEG, or its header is
        broken.
    """
    if data[:2] != b'\xff\xd8':
        return None
    try:
        return image_size(io.BytesIO(data))
    except OSError:  # the decoder decides
        return None


def reduction(full: Size, wanted: Size, least: float = 1.0) -> int:
    """Choose the factor by which the decoder reduces the image.

    Args:
        full: Size of the image in the file.
        wanted: Size after the resize.
        least: Smallest decoded size as a fraction of the wanted one.

    Returns:
        The largest of 1, 2, 4 and 8 that is allowed.
    """
    for factor in REDUCTIONS:
        if all(math.ceil(a / factor) >= least * b for a, b in zip(full, wanted, strict=True)):
            return factor
    return 1
