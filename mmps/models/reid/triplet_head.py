from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mmps.models.losses.gather import gather_batch
from mmps.models.losses.stage_losses import StageLosses
from mmps.registry import MODELS


@MODELS.register_module()
class TripletReIDHead(BaseModule):
    """Turns one vector per person into an embedding, and trains it with a re-ID loss.

    Usable alone: behind any network that returns ``(N, in_channels)``.

    Args:
        in_channels: Channels of the incoming vectors.
        embedding_channels: Size D of an embedding; the paper is silent, ours is 256.
        loss: Config of any loss that keeps the contract of :mod:`mmps.models.losses.base`, by
            default batch-hard triplets; the two-phase hook puts those of its stages in its place.
        normalize: Whether embeddings have unit length, so that Euclidean and cosine ranking agree.
        normalize_for_loss: Whether the loss sees unit length too; a softmax over a linear layer
            learns better before.
        gather: Whether the loss sees the batches of all ranks, so that several processes learn as
            one with the whole batch would; makes no difference to a single process.
        neck: Config of a layer between the linear layer and the normalisation, such as
            :class:`BNNeck`; its ``num_features`` is filled in.
        init_cfg: As in any module of MMEngine.
    """

    COLLAPSE_SPREAD = 1e-3
    """Standard deviation over a batch under which embeddings are called collapsed."""

    def __init__(
        self,
        in_channels: int,
        embedding_channels: int = 256,
        loss: dict | None = None,
        normalize: bool = True,
        normalize_for_loss: bool = True,
        gather: bool = True,
        neck: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        init_cfg = init_cfg or {'type': 'Normal', 'layer': 'Linear', 'std': 0.01}
        super().__init__(init_cfg=init_cfg)
        self.embedding = nn.Linear(in_channels, embedding_channels)
        self.neck = (
            MODELS.build({'num_features': embedding_channels, **neck}) if neck else nn.Identity()
        )
        self.embedding_channels = embedding_channels
        self.normalize = normalize
        self.normalize_for_loss = normalize and normalize_for_loss
        self.gather = gather
        self._warned_of_collapse = False
        self.losses = StageLosses(embedding_channels, gather)
        self.set_losses([loss or {'type': 'mmps.BatchHardTripletLoss'}])

    def set_losses(self, losses: Sequence[Mapping[str, Any]], num_ids: int | None = None) -> None:
        """Train with other losses, before an optimizer has seen the present ones.

        Args:
            losses: A config for each stage of training; the first one is active.
            num_ids: Identities of the training set, where it is known.
        """
        self.losses.build(losses, num_ids)
        self.losses.to(self.embedding.weight.device).train(self.training)

    def set_loss(self, loss: Mapping[str, Any]) -> None:
        """Train with another loss; see :meth:`set_losses`."""
        self.set_losses([loss])

    def set_num_ids(self, num_ids: int) -> None:
        """Build the losses that wait for the number of identities."""
        self.losses.set_num_ids(num_ids)
        self.losses.to(self.embedding.weight.device).train(self.training)

    @property
    def triplet_loss(self) -> nn.Module:
        """The loss that trains now, whatever its kind."""
        return self.losses.active

    @property
    def uses_unlabelled(self) -> bool:
        """Whether the loss learns from people of unknown identity too."""
        return self.losses.uses_unlabelled

    @property
    def uses_background(self) -> bool:
        """Whether the loss learns from boxes without a person too."""
        return self.losses.uses_background

    def forward(self, features: Tensor) -> Tensor:
        """Embed ``(N, in_channels)`` to ``(N, D)``, of unit length if so configured.

        Half precision is widened to float32.
        """
        embeddings = self.embed(features)
        return F.normalize(embeddings) if self.normalize else embeddings

    def embed(self, features: Tensor) -> Tensor:
        """Embed as :meth:`forward`, to any length."""
        embeddings = self.neck(self.embedding(features))
        return embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))

    def loss(self, features: Tensor, person_ids: Tensor) -> dict[str, Tensor]:
        """Compute the loss of a batch and what a log should show beside it.

        Args:
            features: ``(N, in_channels)``.
            person_ids: ``(N,)`` integers, ``UNLABELLED`` where unknown.

        Returns:
            The loss under its ``log_name`` (``loss_triplet`` for triplet losses, ``loss_reid`` for
            one that has none), and without gradient its statistics, ``embedding_norm`` (mean) and
            ``embedding_spread`` (mean over dimensions of the standard deviation over the batch).
        """
        embeddings = self.embed(features)
        if self.normalize_for_loss:
            embeddings = F.normalize(embeddings)
        return self.learn(embeddings, person_ids)

    def learn(self, embeddings: Tensor, person_ids: Tensor) -> dict[str, Tensor]:
        """Compute the loss of ``(N, D)`` embeddings; otherwise as :meth:`loss`."""
        if self.gather:
            embeddings, person_ids = gather_batch(embeddings, person_ids)
        loss, statistics = self.losses(embeddings, person_ids)
        return {self.losses.log_name: loss, **statistics, **self._spread(embeddings.detach())}

    def _spread(self, embeddings: Tensor) -> dict[str, Tensor]:
        if len(embeddings) < 2:
            return {}
        spread = embeddings.std(0, correction=0).mean()
        collapsed = spread < self.COLLAPSE_SPREAD * embeddings.abs().max()
        if collapsed and not self._warned_of_collapse:
            MMLogger.get_current_instance().warning(
                'The embeddings of a batch are nearly equal (spread %.1e): training has '
                'collapsed. Start with semi-hard triplets, or lower the learning rate.',
                spread.item(),
            )
        self._warned_of_collapse = collapsed
        return {'embedding_spread': spread, 'embedding_norm': embeddings.norm(dim=1).mean()}
