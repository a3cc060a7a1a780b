from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .base import ReIDLoss
from .distances import get_distance
from .mining import Triplets, get_miner, pair_masks


@MODELS.register_module()
class TripletLoss(ReIDLoss):
    """Mined triplets, a margin, a mean; any miner goes with any margin and distance.

    ``loss(embeddings, person_ids)`` takes ``(B, D)`` and ``(B,)`` and returns a scalar: the mean
    over all mined triplets, those that already satisfy the margin included. A batch without a
    triplet gives exactly 0, still attached to the graph. The input is not normalised here.

    Args:
        margin: By how much a negative must be farther than the positive, in units of the
            distance; ``'soft'`` takes ``log(1 + exp(positive - negative))``.
        distance: A key of ``mmps.models.losses.distances.DISTANCES``.
        unlabelled_negatives: Whether unlabelled people count as negatives. In phase 2 it needs
            ``cached_people.all_boxes=True``, so that there are some.
        loss_weight: Factor on the result.
        miner: Which triplets are learned from, see :func:`mmps.models.losses.mining.get_miner`.
    """

    log_name = 'loss_triplet'

    def __init__(
        self,
        margin: float | Literal['soft'] = 0.3,
        distance: str = 'euclidean',
        unlabelled_negatives: bool = False,
        loss_weight: float = 1.0,
        miner: str = 'batch_hard',
    ) -> None:
        super().__init__()
        if isinstance(margin, str) and margin != 'soft':
            raise ConfigError(f"margin={margin!r} must be a number or 'soft'")
        self.margin = margin
        self.distance_name = distance
        self.distance = get_distance(distance)
        self.unlabelled_negatives = unlabelled_negatives
        self.loss_weight = loss_weight
        self.miner = get_miner(miner)

    @property
    def uses_unlabelled(self) -> bool:
        """Whether people of unknown identity make a difference; batches then hold some."""
        return self.unlabelled_negatives

    def mine(self, distances: Tensor, positive: Tensor, negative: Tensor) -> Triplets:
        """Choose the triplets; arguments as in :mod:`mmps.models.losses.mining`."""
        return self.miner(distances, positive, negative)

    def with_statistics(
        self,
        embeddings: Tensor,
        person_ids: Tensor,
        memory: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss and what a training log should show beside it.

        Args:
            embeddings: ``(B, D)``.
            person_ids: ``(B,)`` integers, ``UNLABELLED`` where unknown.
            memory: ``(S, D)`` embeddings and ``(S,)`` identities of further people, who are
                positives and negatives but no anchors.

        Returns:
            The scalar loss, and detached scalars: ``active_triplets`` (fraction with a loss above
            zero, in 0..1), ``positive_distance`` and ``negative_distance`` (means over the
            triplets); the latter are absent for a batch without a triplet.

        Raises:
            ValueError: The two shapes do not fit.
        """
        if embeddings.dim() != 2 or person_ids.shape != embeddings.shape[:1]:
            raise ValueError(
                f'expected embeddings (B, D) and person_ids (B,), got {tuple(embeddings.shape)} '
                f'and {tuple(person_ids.shape)}'
            )
        references, memory_ids = embeddings, None
        if memory is not None:
            references, memory_ids = torch.cat([embeddings, memory[0]]), memory[1]
        with torch.no_grad():
            distances = self.distance.matrix(embeddings, references)
            masks = pair_masks(person_ids, self.unlabelled_negatives, memory_ids)
            anchors, positives, negatives = self.mine(distances, *masks)
        to_positive = self.distance.pairs(embeddings[anchors], references[positives])
        to_negative = self.distance.pairs(embeddings[anchors], references[negatives])
        if not len(anchors):
            nothing = to_positive.sum() + to_negative.sum()
            return nothing, {'active_triplets': nothing.detach()}
        losses = self._violation(to_positive - to_negative)
        return self.loss_weight * losses.mean(), {
            'active_triplets': (losses.detach() > 0).to(losses.dtype).mean(),
            'positive_distance': to_positive.detach().mean(),
            'negative_distance': to_negative.detach().mean(),
        }

    def _violation(self, difference: Tensor) -> Tensor:
        if self.margin == 'soft':
            return F.softplus(difference)
        return torch.relu(difference + self.margin)

    def extra_repr(self) -> str:
        """Show the settings in ``print(model)``."""
        return f'margin={self.margin}, distance={self.distance_name}'


@MODELS.register_module()
class BatchHardTripletLoss(TripletLoss):
    """Triplet loss over the hardest positive and the hardest negative of every anchor.

    Hermans et al., eq. 5; Loesch et al., section 2. The mean runs over all anchors that have a
    positive and a negative. Arguments as in :class:`TripletLoss`, whose miner is ``'batch_hard'``.
    """

    def __init__(self, margin: float | Literal['soft'] = 0.3, **kwargs: Any) -> None:
        super().__init__(margin, miner='batch_hard', **kwargs)


@MODELS.register_module()
class SemiHardTripletLoss(TripletLoss):
    """Triplet loss over semi-hard negatives, which keeps a fresh network from collapsing.

    Schroff et al. ("FaceNet"), section 3.2; Loesch et al., section 2. The mean runs over all
    anchor-positive pairs that have a negative. Arguments as in :class:`TripletLoss`, whose miner is
    ``'semi_hard'``.

    Raises:
        ConfigError: The margin is soft, which FaceNet's loss does not have.
    """

    def __init__(self, margin: float = 0.3, **kwargs: Any) -> None:
        if isinstance(margin, str):
            raise ConfigError(f'SemiHardTripletLoss needs a numeric margin, got {margin!r}')
        super().__init__(margin, miner='semi_hard', **kwargs)
