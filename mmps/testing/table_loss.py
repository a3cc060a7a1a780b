"""A small loss with everything that a loss may have: weights, a table, a queue, epoch state."""

from __future__ import annotations

import torch
from mmengine.registry import MODELS as ANY_MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mmps.models.losses import ReIDLoss


class TableLoss(ReIDLoss):
    """Softmax over a row for each identity and a queue of unknown people.

    Registered apart from the package, as a user's loss is; tests write ``type='TableLoss'``.

    Args:
        num_ids: Rows of the table.
        embedding_channels: D.
        size: Length of the queue.
    """

    uses_unlabelled = True

    def __init__(self, num_ids: int, embedding_channels: int, size: int = 5) -> None:
        super().__init__()
        self.num_ids = num_ids
        self.scale = torch.nn.Parameter(torch.tensor(10.0))
        self.register_buffer('table', torch.zeros(num_ids, embedding_channels))
        self.register_buffer('queue', torch.zeros(size, embedding_channels))
        self.register_buffer('pointer', torch.zeros((), dtype=torch.long))
        self.batches = 0

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss, then move the table and fill the queue."""
        known = person_ids >= 0
        rows = torch.cat([self.table, self.queue])
        scores = self.scale * embeddings[known] @ rows.T / (1 + self.batches)
        loss = F.cross_entropy(scores, person_ids[known], reduction='sum') / max(known.sum(), 1)
        with torch.no_grad():
            moved = self.table.index_add(0, person_ids[known], embeddings[known])
            self.table.copy_(F.normalize(moved))
            for stranger in embeddings[~known]:
                self.queue[self.pointer] = stranger
                self.pointer.add_(1).remainder_(len(self.queue))
        self.batches += 1
        return loss, {'queued': self.pointer.float()}

    def reset(self) -> None:
        """Count the batches of an epoch from 0."""
        self.batches = 0


ANY_MODELS.register_module(module=TableLoss, force=True)
