from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .base import ReIDLoss, compute


@MODELS.register_module()
class LossSum(ReIDLoss):
    """A weighted sum of named losses, each of which sees whom it uses.

    ``dict(type='mmps.LossSum', losses=dict(oim=dict(type='mmps.OIMLoss', num_ids='auto',
    embedding_channels='auto'), triplet=dict(type='mmps.BatchHardTripletLoss')),
    weights=dict(triplet=0.5))``.

    Args:
        losses: A config for each name; the log shows each loss, and its statistics, by its name.
        weights: Factors by name, 1 where left out.

    Raises:
        ConfigError: There is no loss, a weight is for none of them, or a name contains ``loss``,
            under which MMEngine would add it a second time.
    """

    def __init__(
        self,
        losses: Mapping[str, Mapping[str, Any]],
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        weights = dict(weights or {})
        unknown = sorted(weights.keys() - losses.keys())
        if not losses or unknown:
            raise ConfigError(
                f'LossSum has the losses {", ".join(losses) or "()"}, and weights for '
                f'{", ".join(unknown) or "none"}: give each weight the name of a loss'
            )
        if wrong := [name for name in losses if 'loss' in name]:
            raise ConfigError(
                f'MMEngine adds everything called a loss, so that {wrong[0]!r} would count twice: '
                "call it without 'loss' in LossSum"
            )
        self.losses = nn.ModuleDict({name: MODELS.build(dict(c)) for name, c in losses.items()})
        self.weights = {name: weights.get(name, 1.0) for name in losses}

    @property
    def uses_unlabelled(self) -> bool:
        """Whether one of them does."""
        return any(getattr(loss, 'uses_unlabelled', False) for loss in self.losses.values())

    @property
    def uses_background(self) -> bool:
        """Whether one of them does."""
        return any(getattr(loss, 'uses_background', False) for loss in self.losses.values())

    def reset(self) -> None:
        """Reset each."""
        for loss in self.losses.values():
            if isinstance(loss, ReIDLoss):
                loss.reset()

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the sum, and each summand without its weight beside its own statistics."""
        total, shown = embeddings.sum() * 0, {}
        for name, loss in self.losses.items():
            value, statistics = compute(loss, embeddings, person_ids)
            total = total + self.weights[name] * value
            shown[name] = value.detach()
            shown |= {f'{name}_{key}': number for key, number in statistics.items()}
        return total, shown
