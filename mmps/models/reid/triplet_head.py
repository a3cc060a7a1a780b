from __future__ import annotations

import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mmps.models.losses.gather import gather_batch
from mmps.registry import MODELS


@MODELS.register_module()
class TripletReIDHead(BaseModule):
    """Turns one vector per person into an embedding, and trains it with a triplet loss.

    Usable alone: behind any network that gives ``(N, in_channels)``.

    Args:
        in_channels: Channels of the incoming vectors.
        embedding_channels: Size D of an embedding; the paper is silent, ours is 256.
        loss: Config of a triplet loss (:class:`BatchHardTripletLoss`,
            :class:`SemiHardTripletLoss`); the two-phase hook exchanges it between its stages.
        normalize: Whether embeddings have unit length, so that Euclidean and cosine ranking agree.
        gather: Whether triplets are mined over the batches of all ranks, so that several processes
            learn as one with the whole batch would; makes no difference to a single process.
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
        self.gather = gather
        self._warned_of_collapse = False
        self.set_loss(loss or {'type': 'mmps.BatchHardTripletLoss'})

    def set_loss(self, loss: dict) -> None:
        """Train with another loss from now on; it must have no weights of its own."""
        self.triplet_loss = MODELS.build(loss)

    @property
    def uses_unlabelled(self) -> bool:
        """Whether the loss learns from people of unknown identity too."""
        return getattr(self.triplet_loss, 'uses_unlabelled', False)

    def forward(self, features: Tensor) -> Tensor:
        """Embed ``(N, in_channels)`` to ``(N, D)``, of unit length if so configured.

        Half precision is widened to float32.
        """
        embeddings = self.neck(self.embedding(features))
        embeddings = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
        return F.normalize(embeddings) if self.normalize else embeddings

    def loss(self, features: Tensor, person_ids: Tensor) -> dict[str, Tensor]:
        """Compute the loss of a batch and what a log should show beside it.

        Args:
            features: ``(N, in_channels)``.
            person_ids: ``(N,)`` integers, ``UNLABELLED`` where unknown.

        Returns:
            ``loss_triplet``, and without gradient ``active_triplets``, ``positive_distance``,
            ``negative_distance``, ``embedding_norm`` (mean) and ``embedding_spread`` (mean over
            dimensions of the standard deviation over the batch).
        """
        embeddings = self(features)
        if self.gather:
            embeddings, person_ids = gather_batch(embeddings, person_ids)
        loss, statistics = self.triplet_loss.with_statistics(embeddings, person_ids)
        return {'loss_triplet': loss, **statistics, **self._spread(embeddings.detach())}

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
