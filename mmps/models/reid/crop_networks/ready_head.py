from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mmps.registry import MODELS
from mmps.structures import ConfigError


@MODELS.register_module()
class ReadyHead(BaseModule):
    """Gives vectors of a finished re-ID network unit length; there is nothing to train.

    Args:
        in_channels: Size of an embedding.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.embedding_channels = in_channels

    def forward(self, features: Tensor) -> Tensor:
        """Scale ``(N, D)`` to unit length, in single precision."""
        return F.normalize(features.to(torch.promote_types(features.dtype, torch.float32)))

    def loss(self, features: Tensor, person_ids: Tensor) -> dict[str, Tensor]:
        """Refuse training.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            'a finished re-ID network is not trained; train configs/disjoint, or search with it'
        )
