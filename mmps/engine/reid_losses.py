"""The losses of a run and the identities that they tell apart, brought into the model once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.runner import Runner

from mmps.datasets.identities import identities_of
from mmps.models.losses import StageLosses
from mmps.structures import ConfigError, IdentityMap

from .model_wrapper import bare_model, wrap_again
from .optimizing import rebuild_optimizer


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
    """Select the loss of the stage for the epoch that begins.

    Args:
        model: A person-search model, bare.
        stage: Stage of phase 2, from 0.

    Returns:
        Whether other weights learn than before, so that the model's phase must be set again.
    """
    losses = model.reid_branch.head.losses
    changed = losses.select(stage)
    losses.reset()
    return changed


def reset_losses(model: Any) -> None:
    """Reset the active loss's state that ends with an epoch, if the head has losses of ours.

    Args:
        model: A person-search model, or one that has its head without a branch; bare.
    """
    losses = getattr(getattr(model, 'reid_branch', model).head, 'losses', None)
    if isinstance(losses, StageLosses):
        losses.reset()


def has_joint_objective(model: Any) -> bool:
    """Check whether a model learns identities from images.

    Args:
        model: Any unwrapped model.
    """
    return hasattr(model, 'set_identities') and getattr(model, 'phase', 'joint') == 'joint'


def number_identities(runner: Runner) -> None:
    """Number the identities of a training set of images; losses that wait for them are built.

    Args:
        runner: With its training loop built; optimizer, schedules and wrapper are built again where
            a loss brings weights.
    """
    model = bare_model(runner)
    before = len(list(model.parameters()))
    model.set_identities(identities_of(runner.train_loop.dataloader.dataset))
    if len(list(model.parameters())) == before:
        return
    wrap_again(runner)
    rebuild_optimizer(runner)
