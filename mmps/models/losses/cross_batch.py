from __future__ import annotations

import torch
from torch import Tensor

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .base import ReIDLoss


@MODELS.register_module()
class CrossBatchTripletLoss(ReIDLoss):
    """A triplet loss whose positives and negatives also come from the last batches.

    Wang et al., "Cross-Batch Memory for Embedding Learning", section 3.2: a queue of past
    embeddings, without gradient, is appended to the references of every anchor.

    The queue is emptied at the beginning of every epoch, so that no checkpoint has to hold it: a
    resumed run sees what an unbroken one would. Behind
    :class:`PKBatchSampler`, whose epoch shows every identity once, the queue thus gives negatives.

    Args:
        loss: Config of a triplet loss of this package.
        size: Most embeddings in the queue.

    Raises:
        ConfigError: The queue is to hold nothing.
    """

    log_name = 'loss_triplet'

    def __init__(self, loss: dict, size: int = 8192) -> None:
        if size < 1:
            raise ConfigError(f'CrossBatchTripletLoss size={size} must be at least 1')
        super().__init__()
        self.loss = MODELS.build(loss)
        self.size = size
        self._memory: tuple[Tensor, Tensor] | None = None

    @property
    def uses_unlabelled(self) -> bool:
        """As the inner loss does."""
        return self.loss.uses_unlabelled

    def reset(self) -> None:
        """Empty the queue."""
        self._memory = None

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute loss and statistics as :meth:`TripletLoss.with_statistics`; remember the batch.

        Args:
            embeddings: ``(B, D)``.
            person_ids: ``(B,)`` integers, ``UNLABELLED`` where unknown.
        """
        result = self.loss.with_statistics(embeddings, person_ids, self._memory)
        newest = (embeddings.detach(), person_ids)
        if self._memory is not None:
            newest = tuple(torch.cat(pair) for pair in zip(newest, self._memory, strict=True))
        self._memory = (newest[0][: self.size], newest[1][: self.size])
        return result
