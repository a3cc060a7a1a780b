"""Batches that span ranks: every rank sees the embeddings of all, with gradients."""

from __future__ import annotations

import torch
from mmengine.dist import get_world_size
from torch import Tensor


def gather_batch(embeddings: Tensor, person_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenate the batches of all ranks, which must have equal sizes.

    The loss of the gathered batch, averaged over ranks as DDP does, has the gradient of one
    process with the whole batch.

    Args:
        embeddings: ``(B, D)`` of this rank.
        person_ids: ``(B,)`` of this rank.

    Returns:
        ``(W * B, D)`` and ``(W * B,)`` for W ranks; the input itself without distribution.
    """
    if get_world_size() == 1:
        return embeddings, person_ids
    from torch.distributed.nn.functional import all_gather

    everyone = [torch.empty_like(person_ids) for _ in range(get_world_size())]
    torch.distributed.all_gather(everyone, person_ids.contiguous())
    return torch.cat(all_gather(embeddings.contiguous())), torch.cat(everyone)
