from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmps.registry import MODELS

from .narrow_maps import exact_narrow_maps
from .stages import black_image, output_channels
from .trainable import trainable


@MODELS.register_module()
class CropBackbone(BaseModule):
    """A whole backbone on person crops, in the place of replicated stages.

    Args:
        backbone: Config of any backbone; its last output is used. It is trained as a whole, batch
            statistics included, whatever the config says.
        mean: Of the three channels, in 0..255.
        std: Of the three channels, in 0..255.

    Attributes:
        out_channels: Channels of the output.
    """

    def __init__(self, backbone: dict, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.backbone = MODELS.build(trainable(backbone))
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.out_channels = output_channels(self.backbone, black_image(self.backbone))

    def forward(self, crops: Tensor) -> Tensor:
        """Run ``(N, 3, h, w)`` pixels in 0..255 through the backbone: ``(N, C, h', w')``."""
        with exact_narrow_maps(crops):
            return self.backbone((crops - self.mean) / self.std)[-1]
