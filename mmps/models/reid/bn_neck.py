from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mmps.registry import MODELS


@MODELS.register_module()
class BNNeck(nn.BatchNorm1d):
    """Batch normalisation of embeddings, without a shift, before they get unit length.

    Luo et al., "Bag of Tricks and A Strong Baseline for Deep Person Re-identification", section
    3.4. There the triplet loss stands before the neck and a classifier behind it; without a
    classifier, nothing would train the neck, so here the triplet loss stands behind it.

    Args:
        num_features: Channels D of an embedding.
        **kwargs: As in PyTorch's layer.
    """

    def __init__(self, num_features: int, **kwargs: float) -> None:
        super().__init__(num_features, **kwargs)
        self.bias.requires_grad_(False)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Normalise ``(N, D)``; a single one, which has no spread, by the running statistics."""
        if self.training and len(embeddings) == 1:
            statistics = self.running_mean, self.running_var
            return functional.batch_norm(
                embeddings, *statistics, self.weight, self.bias, eps=self.eps
            )
        return super().forward(embeddings)
