"""Check, before training, that a loss can learn from a batch of phase 2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmengine.logging import MMLogger
from torch import nn

from mmps.datasets.samplers import PKBatchSampler
from mmps.models.losses.stage_losses import has_places
from mmps.structures import ConfigError


def check_triplets(sampler: PKBatchSampler, losses: Iterable[nn.Module]) -> None:
    """Reject batches without triplets, for which the loss would always be 0.

    Args:
        sampler: Batch sampler of phase 2.
        losses: Losses of its stages; those with an entry for each identity need no triplets.

    Raises:
        ConfigError: Nobody has a positive, or nobody has a negative.
    """
    if all(has_places(loss) for loss in losses):
        return
    if sampler.shots < 2:
        raise ConfigError(
            f'two_phase.batches.shots={sampler.shots} leaves nobody a second box in a batch, so '
            'that there is no triplet to learn from: set it to 2 or more (the paper: 4)'
        )
    identities = min(sampler.identities, len(sampler.members))
    if identities < 2 and not sampler.unlabelled:
        raise ConfigError(
            f'a batch of phase 2 would have {identities} identity, and with nobody else in it '
            'there is no triplet to learn from: set two_phase.batches.identities to 2 or more (the '
            'paper: 32), on a data set with as many identities'
        )


def check_mining(sampler: PKBatchSampler, head: Any) -> None:
    """Reject mining per rank if the rank's share of the batch is too small.

    Args:
        sampler: Batch sampler of phase 2.
        head: Head of the re-ID branch; one without ``gather`` is not checked.

    Raises:
        ConfigError: A rank would have no negatives, or an identity would be split between ranks.
    """
    world_size, identities = sampler.world_size, sampler.identities
    if world_size == 1 or getattr(head, 'gather', True):
        return
    if identities < 2 * world_size or identities % world_size:
        raise ConfigError(
            f'reid_branch.head.gather=False with {identities} identities on {world_size} ranks '
            f'leaves {identities / world_size:g} to each, which needs at least 2, and whole ones: '
            'leave gather at True, which mines over all ranks, or make `batches.identities` a '
            'larger multiple of the number of ranks'
        )


def check_unlabelled(all_boxes: bool, sampler: PKBatchSampler, losses: Iterable[nn.Module]) -> None:
    """Reject people of unknown identity who are cached but not used, or used but not cached.

    Args:
        all_boxes: Whether they are cached.
        sampler: Batch sampler of phase 2.
        losses: Losses of its stages.

    Raises:
        ConfigError: One of the settings has no effect without another.
    """
    wanted = any(getattr(loss, 'uses_unlabelled', False) for loss in losses)
    if all_boxes and not wanted:
        raise ConfigError(
            'cached_people.all_boxes=True caches people of unknown identity, whom no loss of '
            'two_phase.stages uses: choose one that does, such as a triplet loss with '
            'unlabelled_negatives=True, or leave all_boxes out'
        )
    if wanted and not all_boxes:
        raise ConfigError(
            'a loss of two_phase.stages learns from people of unknown identity, who are not in the '
            'cache: set cached_people.all_boxes=True'
        )
    if wanted and not len(sampler.strangers):
        MMLogger.get_current_instance().warning(
            'a loss of two_phase.stages learns from people of unknown identity, but everybody in '
            'the data set has one'
        )
    elif wanted and not sampler.unlabelled:
        raise ConfigError(
            'two_phase.batches.unlabelled=0 keeps out the people of unknown identity from whom a '
            'loss of two_phase.stages learns: leave it out, or choose another loss'
        )
