"""What a batch of phase 2 must hold for its loss to learn from it, told before training."""

from __future__ import annotations

from typing import Any

from mmps.datasets.samplers import PKBatchSampler
from mmps.structures import ConfigError


def check_mining(sampler: PKBatchSampler, head: Any) -> None:
    """Refuse ranks that each mine a share of the batch in which there is too little.

    Args:
        sampler: Of phase 2.
        head: Of the re-ID branch; one without ``gather`` is its author's to check.

    Raises:
        ConfigError: A rank alone would have no negatives, or cut an identity in two.
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
