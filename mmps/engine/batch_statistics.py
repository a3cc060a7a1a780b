"""Statistics of batch normalisation, which each rank computes on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dist import all_reduce_params

from mmps.checkpoints.loss_state import is_loss_state


def average_over_ranks(model: Any, copies: Sequence[Any] = ()) -> None:
    """Average the statistics that training changes over the ranks: a checkpoint has only one copy.

    Args:
        model: The unwrapped model, in training mode.
        copies: Running averages of it, which receive the same statistics.
    """
    names = _trained_buffers(model)
    for module in (model, *copies):
        buffers = dict(module.named_buffers())
        all_reduce_params([buffers[name] for name in names], op='mean')


def _trained_buffers(model: Any) -> list[str]:
    """List the buffers that each rank changes: the mean of equal others might be rounded."""
    saved = model.state_dict()
    return [
        name
        for prefix, module in model.named_modules()
        if module.training
        for name, _ in module.named_buffers(prefix, recurse=False)
        if name in saved and not is_loss_state(name)
    ]
