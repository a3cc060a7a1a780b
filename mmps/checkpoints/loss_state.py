"""Weights and tables of re-ID losses in a checkpoint, which only the run that resumes it needs."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from torch import Tensor

from mmps.structures import ConfigError

PREFIXES = ('reid_branch.head.losses.', 'head.losses.')
"""How the names of such weights begin: in a person-search model, and in a head without a branch."""


def is_loss_state(name: str) -> bool:
    """Check whether a weight belongs to a loss.

    Args:
        name: In the state dict of a model.
    """
    return name.startswith(PREFIXES)


def drop_loss_state(checkpoint: MutableMapping[str, Any]) -> None:
    """Reset the losses: those of a checkpoint belong to the identities of another run.

    Args:
        checkpoint: That training starts from, without resuming; changed in place.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    for name in [name for name in weights if is_loss_state(name)]:
        del weights[name]


def check_loss_state(checkpoint: MutableMapping[str, Any], path: str | None, model: Any) -> None:
    """Refuse to resume with other losses than those that a run was trained with.

    Args:
        checkpoint: Checkpoint to resume from.
        path: File of the checkpoint, for messages.
        model: With the losses of this run.

    Raises:
        ConfigError: The checkpoint lacks some of their state, or holds that of others.
    """
    saved, wanted = _shapes(checkpoint['state_dict']), _shapes(model.state_dict())
    differs = [name for name in {**saved, **wanted} if saved.get(name) != wanted.get(name)]
    if differs:
        raise ConfigError(
            f'{path} was saved with other losses: of {differs[0]} it holds '
            f'{saved.get(differs[0], "nothing")}, this run {wanted.get(differs[0], "nothing")}; '
            'resume with the losses and the data that it was trained with'
        )


def _shapes(weights: dict[str, Tensor]) -> dict[str, str]:
    return {n: str(tuple(w.shape)) for n, w in weights.items() if is_loss_state(n)}


def without_losses(weights: dict[str, Tensor], prefix: str = '') -> dict[str, Tensor]:
    """Leave out what belongs to losses.

    Args:
        weights: Weights by name.
        prefix: Prefix of the model in them.
    """
    return {n: w for n, w in weights.items() if not is_loss_state(n.removeprefix(prefix))}
