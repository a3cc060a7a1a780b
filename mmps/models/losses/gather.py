"""Batches that span ranks: every rank sees the embeddings of all, with gradients."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_gather, get_dist_info
from torch import Tensor
from torch.autograd import Function


def gather_batch(embeddings: Tensor, person_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenate the batches of all ranks; a rank may have any number of people, or none.

    The loss of the gathered batch, whose gradients are averaged over ranks as DDP does, has the
    gradient of one process with the whole batch. Every rank must compute that same loss.

    Args:
        embeddings: ``(B, D)`` of this rank.
        person_ids: ``(B,)`` of this rank.

    Returns:
        ``(M, D)`` and ``(M,)`` for the M people of all ranks, in the order of ranks; the input
        itself without distribution.
    """
    rank, world_size = get_dist_info()
    if world_size == 1:
        return embeddings, person_ids
    counts = [int(count) for count in all_gather(person_ids.new_tensor(len(person_ids)))]
    return _Gather.apply(embeddings, counts, rank), _joined(person_ids, counts)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, counts: list[int], rank: int) -> Tensor:
        ctx.world_size = len(counts)
        ctx.start, ctx.count = sum(counts[:rank]), counts[rank]
        return _joined(rows, counts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        # All ranks have the same loss, so the other ranks' part of the gradient is known without
        # asking them; the factor takes back the mean over ranks, which is of a sum here.
        mine = gradient.narrow(0, ctx.start, ctx.count)
        return mine * ctx.world_size, None, None


def _joined(rows: Tensor, counts: list[int]) -> Tensor:
    """Concatenate ``(B, ...)`` rows of all ranks, which send as many as the longest has."""
    sent = rows.new_zeros(max(counts), *rows.shape[1:])
    sent[: len(rows)] = rows
    parts = all_gather(sent)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])
