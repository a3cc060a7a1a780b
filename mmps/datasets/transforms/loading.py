from __future__ import annotations

from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import LoadAnnotations

from mmps.images import read_image
from mmps.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadScene(BaseTransform):
    """Read the scene image, and say which file is at fault if that fails.

    Needs ``img_path``; adds ``img`` ``(H, W, 3)`` uint8 BGR, ``img_shape`` and ``ori_shape``.

    Raises:
        DataError: The file is missing or no image.
    """

    def transform(self, results: dict) -> dict:
        """Read one image."""
        results['img'] = image = read_image(Path(results['img_path']))
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results


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
