from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmps.registry import MODELS


@MODELS.register_module()
class CropBackbone(BaseModule):
    """A whole backbone on person crops, in the place of replicated stages.

    Args:
        backbone: Config of the backbone; its last output is used, and it is trained as a whole.
        mean: Of the three channels, in 0..255.
        std: Of the three channels, in 0..255.

    Attributes:
        out_channels: Channels of the output.
    """

    def __init__(self, backbone: dict, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.backbone = MODELS.build(backbone)
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.out_channels = self.backbone.feat_dim

    def start(self, detector_backbone: nn.Module) -> None:
        """Take nothing over from the detector: the two are disjoint."""

    def forward(self, crops: Tensor) -> Tensor:
        """Run ``(N, 3, h, w)`` pixels in 0..255 through the backbone: ``(N, C, h', w')``."""
        return self.backbone((crops - self.mean) / self.std)[-1]
