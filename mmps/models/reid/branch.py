from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmps.registry import MODELS


@MODELS.register_module()
class ReIDBranch(BaseModule):
    """RoI pooling, replicated stages, aggregation, head: shared features and boxes to embeddings.

    Args:
        pooling: Config of the RoI pooling. Phase 2 learns from features that were pooled once, so
            weights of a pooling's own are learned in the joint phase only.
        stages: Config of what follows it: a module with ``out_channels``. Where it has a method
            ``starting_weights``, as :class:`ReplicatedStages`, the branch begins with these.
        aggregation: Config of the step from maps to vectors.
        head: Config of the head; its ``in_channels`` is filled in.
        augmentation: Config of a change of pooled features in training, such as
            :class:`RandomErasing`.
        chunk: Most boxes embedded at once outside training, a bound on memory.
        cpu_chunk: The same on a CPU, where more would leave its caches and take longer.
    """

    def __init__(
        self,
        pooling: dict,
        stages: dict,
        aggregation: dict,
        head: dict,
        augmentation: dict | None = None,
        chunk: int = 512,
        cpu_chunk: int = 64,
    ) -> None:
        super().__init__()
        self.pooling = MODELS.build(pooling)
        self.stages = MODELS.build(stages)
        self.aggregation = MODELS.build(aggregation)
        self.head = MODELS.build({'in_channels': self.stages.out_channels, **head})
        self.augmentation = MODELS.build(augmentation) if augmentation else nn.Identity()
        self.chunk = chunk
        self.cpu_chunk = cpu_chunk

    def starting_weights(self, backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Find what the branch begins with, where no checkpoint fills it.

        Args:
            backbone: Weights of the trained detector's backbone by name.

        Returns:
            Weights of the branch by name; none where its own settings draw or load all of them.
        """
        find = getattr(self.stages, 'starting_weights', None)
        return {f'stages.{name}': weight for name, weight in find(backbone).items()} if find else {}

    def forward(self, feature: Tensor | list[Tensor], rois: Tensor) -> Tensor:
        """Embed people without gradients in chunks.

        Args:
            feature: What the pooling takes: ``(B, C, H, W)`` output of the last shared stage, or
                images.
            rois: ``(N, 5)`` (image index, x1, y1, x2, y2) in the pooling's pixels.

        Returns:
            ``(N, D)``; ``(0, D)`` without boxes.
        """
        if not len(rois):
            return rois.new_zeros(0, self.head.embedding_channels, dtype=torch.float32)
        chunks = self.split(rois)
        return torch.cat([self.embed(self.pooling(feature, c)) for c in chunks])

    def split(self, rois: Tensor) -> tuple[Tensor, ...]:
        """Split boxes into chunks of equal size, which take less time than full ones and a rest.

        Args:
            rois: ``(N, 5)``, at least one.
        """
        return rois.tensor_split(math.ceil(len(rois) / self.chunk_on(rois.device)))

    def chunk_on(self, device: torch.device) -> int:
        """Return how many boxes are embedded at once, at most."""
        return min(self.chunk, self.cpu_chunk) if device.type == 'cpu' else self.chunk

    def embed(self, pooled: Tensor) -> Tensor:
        """Embed pooled features: ``(N, C, h, w)`` to ``(N, D)``."""
        return self.head(self.aggregation(self.stages(pooled)))

    def loss(self, pooled: Tensor, person_ids: Tensor) -> dict[str, Tensor]:
        """Compute the re-ID loss of pooled features.

        Args:
            pooled: ``(N, C, h, w)``.
            person_ids: ``(N,)`` integers, ``UNLABELLED`` where unknown.

        Returns:
            What the head logs; keys that begin with ``loss`` are summed and minimised.
        """
        features = self.stages(self.augmentation(pooled))
        return self.head.loss(self.aggregation(features), person_ids)
