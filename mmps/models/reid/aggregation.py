"""From a map per person to a vector per person: ``(N, C, h, w)`` to ``(N, C)``."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmps.registry import MODELS


@MODELS.register_module()
class AveragePool(BaseModule):
    """Mean over all cells."""

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate ``(N, C, h, w)`` to ``(N, C)``."""
        return features.mean((2, 3))


@MODELS.register_module()
class GeMPool(BaseModule):
    """Generalised mean over all cells, between average (p = 1) and maximum (p large).

    Radenovic et al., "Fine-tuning CNN Image Retrieval with No Human Annotation", eq. 3.

    Args:
        p: Start value of the learned exponent.
        eps: Smallest value that a cell counts as.
    """

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(float(p)))
        self.eps = eps

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate ``(N, C, h, w)`` to ``(N, C)``."""
        powers = features.float().clamp_min(self.eps).pow(self.p)
        return powers.mean((2, 3)).pow(1 / self.p).to(features.dtype)
