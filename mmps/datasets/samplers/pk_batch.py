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

    Loesch et al., section 3.1: 32 identities, 4 shots. The last batch of an epoch contains the
    remaining identities. An identity with fewer than K appearances is filled up with repetitions.
    An epoch depends only on the seed and its number. With several ranks, each receives its share
    of the same global batches, equal up to one sample; an identity may be split between ranks.

    Args:
        person_ids: ``(N,)`` identity of each sample, negative where unknown.
        identities: P, over all ranks.
        shots: K.
        seed: Seed of the draws, the same on all ranks.
        unlabelled: Samples of unknown people in each batch, over all ranks, if ``person_ids`` has
            any; by default as many as identities. They do not affect which others are drawn.

    Raises:
        ConfigError: A number is too small, or no sample has an identity.
    """

    def __init__(
        self,
        person_ids: np.ndarray,
        identities: int = 32,
        shots: int = 4,
        seed: int = 0,
        unlabelled: int | None = None,
    ) -> None:
        person_ids = np.asarray(person_ids)
        self.rank, self.world_size = get_dist_info()
        unlabelled = identities if unlabelled is None else unlabelled
        if identities < 1 or shots < 1 or unlabelled < 0:
            raise ConfigError(
                f'{identities=} and {shots=} must be at least 1, {unlabelled=} at least 0'
            )
        labelled = np.flatnonzero(is_labelled(person_ids))
        if not len(labelled):
            raise ConfigError('no sample has an identity: phase 2 needs a set with person ids')
        order = labelled[np.argsort(person_ids[labelled], kind='stable')]
        starts = np.unique(person_ids[order], return_index=True)[1]
        self.members = np.split(order, starts[1:])
        self.strangers = np.flatnonzero(~is_labelled(person_ids))
        self.identities, self.shots, self.seed, self.epoch = identities, shots, seed, 0
        self.unlabelled = unlabelled if len(self.strangers) else 0

    @property
    def sampler(self) -> PKBatchSampler:
        """Return itself: MMEngine's seed hook looks here for ``set_epoch``."""
        return self

    @property
    def batch_size(self) -> int:
        """Count the samples with an identity in a full batch of one rank, at most."""
        return math.ceil(self.identities * self.shots / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose batches come next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the batches of an epoch: identities / P, rounded up."""
        return math.ceil(len(self.members) / self.identities)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.members))
        strangers = self._draw_strangers()
        for number, start in enumerate(range(0, len(order), self.identities)):
            drawn = [self._draw(self.members[i], rng) for i in order[start:][: self.identities]]
            yield [*self._share(np.concatenate(drawn)), *self._share(strangers[number])]

    def _draw(self, members: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if len(members) >= self.shots:
            return rng.choice(members, self.shots, replace=False)
        return np.resize(rng.permutation(members), self.shots)

    def _draw_strangers(self) -> np.ndarray:
        """Draw ``(batches, unlabelled)`` samples of unknown people."""
        rng = np.random.default_rng((self.seed, self.epoch, 1))
        # Without such people `unlabelled` is 0, and an empty array takes the shape (batches, 0).
        return np.resize(rng.permutation(self.strangers), (len(self), self.unlabelled))

    def _share(self, samples: np.ndarray) -> list[int]:
        return np.array_split(samples, self.world_size)[self.rank].tolist()
