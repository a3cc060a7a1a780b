"""The losses of a run and the identities that they tell apart, brought into the model once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmps.structures import ConfigError, IdentityMap


def install_losses(model: Any, identities: IdentityMap, losses: Sequence[Mapping]) -> None:
    """Build the losses of all stages of phase 2, before anything has looked at the model's weights.

    Args:
        model: A person-search model, bare.
        identities: Of the people whom phase 2 learns from.
        losses: A config for each stage.

    Raises:
        ConfigError: The model has no phases, or its head no place for losses.
    """
    if not hasattr(model, 'set_phase'):
        raise ConfigError(
            f'TwoPhaseHook trains models of mmps, such as mmps.SharedBackboneDetector, not '
            f'{type(model).__name__}'
        )
    head = model.reid_branch.head
    if not hasattr(head, 'set_losses'):
        raise ConfigError(
            f'{type(head).__name__} cannot take the losses of two_phase.stages: give it '
            '`set_losses` and `losses` as mmps.TripletReIDHead has them'
        )
    head.set_losses(losses, len(identities))
    model.set_identities(identities)


def enter_stage(model: Any, stage: int) -> bool:
    """Let the loss of a stage train the epoch that begins.

    Args:
        model: A person-search model, bare.
        stage: Of phase 2, from 0.

    Returns:
        Whether other weights learn than before, so that the model's phase must be set again.
    """
    losses = model.reid_branch.head.losses
    changed = losses.select(stage)
    losses.reset()
    return changed
