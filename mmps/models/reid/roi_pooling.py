from __future__ import annotations

import torch
from mmcv import ops
from mmengine.model import BaseModule
from torch import Tensor

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .separable_align import separable_roi_align

PAPER_SIZES = {2: (32, 16), 3: (16, 8), 4: (8, 4)}
"""Pooled (height, width) by the stage that is pooled; the stages behind end at 4x2."""

LAST_SIZE = (4, 2)
"""The same where a part of the last stage is shared."""


@MODELS.register_module()
class RoIPooling(BaseModule):
    """Pools the shared feature map inside person boxes.

    On a CPU, where mmcv's kernel runs on one core, RoIAlign without gradients is computed by
    matrix products, with equal results.

    Args:
        stride: Pixels of the network's input per cell of the feature map.
        output_size: (height, width) of a pooled feature, persons being taller than wide.
        roi_layer: Name and settings of a layer of ``mmcv.ops``: ``RoIAlign``, or ``RoIPool`` (the
            paper's word; GPU only).
    """

    def __init__(
        self,
        stride: int,
        output_size: tuple[int, int],
        roi_layer: dict | None = None,
    ) -> None:
        super().__init__()
        roi_layer = dict(roi_layer or {'type': 'RoIAlign', 'sampling_ratio': 0})
        self.output_size = tuple(output_size)
        name = roi_layer.pop('type')
        if not hasattr(ops, name):
            raise ConfigError(
                f'roi_layer type {name!r} is not in mmcv.ops; use RoIAlign or RoIPool'
            )
        self.layer = getattr(ops, name)(
            output_size=self.output_size, spatial_scale=1 / stride, **roi_layer
        )

    def forward(self, feature: Tensor, rois: Tensor) -> Tensor:
        """Pool every box.

        Args:
            feature: ``(B, C, H, W)``.
            rois: ``(N, 5)`` (image index in the batch, x1, y1, x2, y2), in pixels of the
                network's input.

        Returns:
            ``(N, C, h, w)`` in the feature's precision.
        """
        if not len(rois):
            return feature.new_zeros(0, feature.shape[1], *self.output_size)
        needs_gradient = torch.is_grad_enabled() and feature.requires_grad
        if self._separable and not (feature.is_cuda or needs_gradient):
            scale, ratio = self.layer.spatial_scale, self.layer.sampling_ratio
            return separable_roi_align(feature, rois, self.output_size, scale, ratio)
        # Half precision rounds a box's corners to whole pixels or worse, and mmcv's CPU kernel has
        # no bfloat16. It also reads memory in order, whatever the strides say.
        dtype = torch.promote_types(feature.dtype, torch.float32)
        pooled = self.layer(feature.to(dtype).contiguous(), rois.to(dtype).contiguous())
        return pooled.to(feature.dtype)

    @property
    def _separable(self) -> bool:
        align = isinstance(self.layer, ops.RoIAlign)
        return align and self.layer.aligned and self.layer.pool_mode == 'avg'
