from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import LoadAnnotations

from mmps.images import decode, read_whole
from mmps.registry import TRANSFORMS


@TRANSFORMS.register_module(name=['LoadScene', 'LoadImageFromFile'])
class LoadScene(BaseTransform):
    """Read the scene image, and report which file is at fault if that fails.

    Needs ``img_path``, or an image in ``img`` already; adds ``img`` ``(H, W, 3)`` uint8 BGR,
    ``img_shape`` and ``ori_shape``.

    mmdet's inference API and tools look for a transform whose type is ``LoadImageFromFile``, and
    replace it for arrays. In the scope of mmps, this class has that name, so configs begin a
    pipeline with ``dict(type='LoadImageFromFile', _scope_='mmps')``.

    Args:
        backend_args: Arguments of MMEngine's file backend, for images that are not on a disk.

    Raises:
        DataError: The file is missing or is not an image.
    """

    def __init__(self, backend_args: dict | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Read one image, unless it is there already."""
        image = results.get('img')
        if image is None:
            path = results['img_path']
            image = decode(read_whole(path, self.backend_args), path)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        """Return the settings, as transforms do in a printed pipeline."""
        return f'{type(self).__name__}(backend_args={self.backend_args})'


@TRANSFORMS.register_module()
class LoadPeople(LoadAnnotations):
    """Load boxes as mmdet does, with the people's identities.

    Comes before a resize in training, and after it in testing, where boxes stay in pixels of the
    image file (mmdet's convention).

    Adds ``gt_bboxes``, ``gt_bboxes_labels``, ``gt_ignore_flags``, and what
    :class:`PackPersonSearchInputs` finds people by: ``gt_instances_ids`` ``(N,)``, the index of
    each box among the image's people, which mmdet's cropping transforms keep aligned.
    """

    def __init__(self) -> None:
        super().__init__(with_bbox=True)

    def transform(self, results: dict) -> dict:
        """Load the annotations of one image."""
        results = super().transform(results)
        results['gt_instances_ids'] = np.arange(len(results['gt_bboxes']), dtype=np.int64)
        return results
