from __future__ import annotations

from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import LoadAnnotations

from mmps.registry import TRANSFORMS
from mmps.structures import DataError


@TRANSFORMS.register_module()
class LoadScene(BaseTransform):
    """Read the scene image, and say which file is at fault if that fails.

    Needs ``img_path``; adds ``img`` ``(H, W, 3)`` uint8 BGR, ``img_shape`` and ``ori_shape``.

    Raises:
        DataError: The file is missing or no image.
    """

    def transform(self, results: dict) -> dict:
        """Read one image."""
        import cv2

        path = Path(results['img_path'])
        image = decode(read_whole(path), path, cv2.IMREAD_COLOR)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results


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


def decode(data: bytes, path: Path, flags: int) -> np.ndarray:
    """Decode an image.

    Args:
        data: All bytes of the file.
        path: For the message.
        flags: OpenCV's ``IMREAD_...``.

    Returns:
        ``(H, W, 3)`` uint8 BGR.

    Raises:
        DataError: The bytes are no image, or not a whole one.
    """
    import cv2

    # Some versions of OpenCV fill up what a cut JPEG lacks with grey, and say nothing.
    cut = data[:2] == b'\xff\xd8' and b'\xff\xd9' not in data[-1024:]
    whole = len(data) and not cut
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if whole else None
    if image is None:
        raise DataError(
            f'{path} is no readable image, or cut short ({len(data)} bytes): download it '
            'again, or convert the data set again without it'
        )
    return image


@TRANSFORMS.register_module()
class LoadPeople(LoadAnnotations):
    """Load boxes as mmdet does, and who the people are.

    Before a resize in training; after it in testing, where boxes stay in pixels of the image
    file (mmdet's convention).

    Adds ``gt_bboxes``, ``gt_bboxes_labels``, ``gt_ignore_flags``, and what
    :class:`PackPersonSearchInputs` looks people up by: ``gt_instances_ids`` ``(N,)``, the index of
    each box among the image's people, which mmdet's cropping transforms keep in step.
    """

    def __init__(self) -> None:
        super().__init__(with_bbox=True)

    def transform(self, results: dict) -> dict:
        """Load the annotations of one image."""
        results = super().transform(results)
        results['gt_instances_ids'] = np.arange(len(results['instances']), dtype=np.int64)
        return results
