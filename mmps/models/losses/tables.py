"""What losses remember of past batches: rows of identities, and queues; changed in place."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mmps.structures import BACKGROUND, ConfigError


class EmbeddingQueue(nn.Module):
    """The last embeddings, first in, first out, and whose they are; places not yet filled are 0.

    Args:
        size: Most embeddings in the queue.
        channels: D.

    Attributes:
        embeddings: ``(size, D)``.
        person_ids: ``(size,)``, ``BACKGROUND`` at places that are not yet filled.
        pointer: The place that is written next.

    Raises:
        ConfigError: The size is negative.
    """

    def __init__(self, size: int, channels: int) -> None:
        if size < 0:
            raise ConfigError(f'a queue of {size} embeddings cannot be: its size is at least 0')
        super().__init__()
        self.register_buffer('embeddings', torch.zeros(size, channels))
        self.register_buffer('person_ids', torch.full((size,), BACKGROUND))
        self.register_buffer('pointer', torch.zeros((), dtype=torch.long))

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.embeddings)

    @torch.no_grad()
    def push(self, embeddings: Tensor, person_ids: Tensor) -> None:
        """Write over the oldest embeddings.

        Args:
            embeddings: ``(N, D)``, the newest last.
            person_ids: ``(N,)``.
        """
        size, count = len(self), len(embeddings)
        first = max(count - size, 0)
        places = torch.arange(first, count, device=self.pointer.device) + self.pointer
        if size:
            places %= size
            self.embeddings[places] = embeddings[first:].to(self.embeddings.dtype)
            self.person_ids[places] = person_ids[first:]
            self.pointer.add_(count).remainder_(size)


@torch.no_grad()
def move_rows(table: Tensor, rows: Tensor, embeddings: Tensor, momentum: float) -> None:
    """Move rows towards embeddings and back to unit length, one embedding after another.

    Args:
        table: ``(L, D)``.
        rows: ``(N,)`` row of each embedding; one row may come several times.
        embeddings: ``(N, D)``.
        momentum: Share of the row that stays.
    """
    embeddings = embeddings.to(table.dtype)
    for turn in _turns(rows):
        mixed = momentum * table[rows[turn]] + (1 - momentum) * embeddings[turn]
        table[rows[turn]] = F.normalize(mixed)


def _turns(rows: Tensor) -> Iterator[Tensor]:
    """List the first occurrences of all rows, then the second ones, and so on."""
    ordered, order = rows.sort(stable=True)
    places = torch.arange(len(rows), device=rows.device)
    occurrence = torch.empty_like(places)
    occurrence[order] = places - torch.searchsorted(ordered, ordered)
    for turn in range(int(occurrence.max()) + 1 if len(rows) else 0):
        yield (occurrence == turn).nonzero().squeeze(1)


def products(a: Tensor, b: Tensor) -> Tensor:
    """Multiply all pairs of rows, in full precision under autocast too.

    Args:
        a: ``(B, D)``.
        b: ``(M, D)``.

    Returns:
        ``(B, M)`` dot products.
    """
    dtype = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
    with torch.autocast(a.device.type, enabled=False):
        return a.to(dtype) @ b.to(dtype).T
