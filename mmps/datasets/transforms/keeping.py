from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from mmps.registry import TRANSFORMS
from mmps.structures import ConfigError
from mmps.structures.originals import ORIGINAL_IMAGE


@TRANSFORMS.register_module()
class KeepOriginalImage(BaseTransform):
    """Keep the image as it was read, for models that crop people from it.

    Must directly follow the transform that reads the image. ``PackPersonSearchInputs`` puts the
    image into the data sample, with the people's boxes in it: ``gt_instances.image_bboxes``.

    Needs ``img`` and ``ori_shape``; adds ``original_image`` ``(H, W, 3)`` uint8, a copy.

    Raises:
        ConfigError: The image was resized or changed before.
    """

    def transform(self, results: dict) -> dict:
        """Copy one image: transforms that follow may write into theirs."""
        image = results['img']
        if image.shape[:2] != tuple(results['ori_shape']) or image.dtype != np.uint8:
            height, width = results['ori_shape']
            raise ConfigError(
                f'mmps.KeepOriginalImage received {image.shape[1]}x{image.shape[0]} pixels '
                f'({image.dtype}) of an image that was {width}x{height} (uint8): put it directly '
                'after LoadImageFromFile (mmps.LoadResizedScene does not read the whole image)'
            )
        results[ORIGINAL_IMAGE] = image.copy()
        return results
