from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmps.registry import DATA_SAMPLERS
from mmps.structures import ConfigError, is_labelled


@DATA_SAMPLERS.register_module()
class PKBatchSampler(Sampler):
    """Batches of P identities with K shots each; every identity once per epoch.

    Loesch et al., section 3.1: 32 identities, 4 shots. The last batch of an epoch holds the
    identities that are left. An identity with fewer than K appearances fills up with repetitions.
    An epoch is a function of the seed and the epoch's number alone; with several ranks each gets
    its share of the identities of the same global batches.

    Args:
        person_ids: ``(N,)`` identity of each sample; unlabelled ones are never drawn.
        identities: P, over all ranks.
        shots: K.
        seed: Of the draws, the same on all ranks.

    Raises:
        ConfigError: There is nothing to draw, or the ranks cannot share P evenly.
    """

    def __init__(
        self, person_ids: np.ndarray, identities: int = 32, shots: int = 4, seed: int = 0
    ) -> None:
        person_ids = np.asarray(person_ids)
        self.rank, self.world_size = get_dist_info()
        if identities < 1 or shots < 1:
            raise ConfigError(f'{identities=} and {shots=} must be at least 1')
        if identities % self.world_size:
            raise ConfigError(
                f'{identities} identities per batch cannot be shared by {self.world_size} ranks; '
                'make `identities` a multiple of the number of ranks'
            )
        labelled = np.flatnonzero(is_labelled(person_ids))
        if not len(labelled):
            raise ConfigError('no sample has an identity: phase 2 needs a set with person ids')
        order = labelled[np.argsort(person_ids[labelled], kind='stable')]
        starts = np.unique(person_ids[order], return_index=True)[1]
        self.members = np.split(order, starts[1:])
        self.identities, self.shots, self.seed, self.epoch = identities, shots, seed, 0

    @property
    def sampler(self) -> PKBatchSampler:
        """Itself: MMEngine's seed hook looks here for ``set_epoch``."""
        return self

    @property
    def batch_size(self) -> int:
        """Samples in a full batch of one rank."""
        return self.identities * self.shots // self.world_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches in an epoch: identities / P, rounded up."""
        return math.ceil(len(self.members) / self.identities)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.members))
        for start in range(0, len(order), self.identities):
            batch = [self._draw(self.members[i], rng) for i in order[start:][: self.identities]]
            share = math.ceil(len(batch) / self.world_size)
            mine = [
                batch[i % len(batch)] for i in range(self.rank * share, (self.rank + 1) * share)
            ]
            yield np.concatenate(mine).tolist()

    def _draw(self, members: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if len(members) >= self.shots:
            return rng.choice(members, self.shots, replace=False)
        return np.resize(rng.permutation(members), self.shots)
