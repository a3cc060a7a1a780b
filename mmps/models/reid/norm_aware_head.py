from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mmps.models.losses.gather import gather_batch
from mmps.registry import MODELS
from mmps.structures import BACKGROUND

from .triplet_head import TripletReIDHead


@MODELS.register_module()
class NormAwareReIDHead(TripletReIDHead):
    """An embedding whose length says whether there is a person, and whose direction says who.

    Chen et al., "Norm-Aware Embedding for Efficient Person Search" (CVPR 2020), section 3.2: the
    normalised length passes a sigmoid and is trained against background; the direction is trained
    by the re-ID loss. Outside of training an embedding has the length of that score, so that
    similarities to it are weighted by it (the paper's CWS); the detector's boxes and scores stay
    as they are. It learns in the joint phase, on :class:`ProposalBoxes`.

    Args:
        *args: As in :class:`TripletReIDHead`.
        norm_weight: Factor on the loss of the length.
        weighted: Whether embeddings have that length; otherwise unit length, as in SeqNet, which
            weights by the detector's score (``score_weighted`` of the evaluator).
        **kwargs: As in :class:`TripletReIDHead`.
    """

    uses_unlabelled = True
    uses_background = True

    def __init__(
        self, *args: Any, norm_weight: float = 1.0, weighted: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.norm_weight, self.weighted = norm_weight, weighted
        self.length_norm = nn.BatchNorm1d(1)

    def forward(self, features: Tensor) -> Tensor:
        """Embed ``(N, in_channels)`` to ``(N, D)``, of the length of the person's score or of 1."""
        directions, logits = self._parts(features)
        return directions * logits.sigmoid() if self.weighted else directions

    def loss(self, features: Tensor, person_ids: Tensor) -> dict[str, Tensor]:
        """Compute the losses of a batch, as :meth:`TripletReIDHead.loss`.

        Args:
            features: ``(N, in_channels)``.
            person_ids: ``(N,)`` integers, ``BACKGROUND`` where there is nobody.

        Returns:
            Those of the re-ID loss, and ``loss_norm``.
        """
        directions, logits = self._parts(features)
        everybody, ids = gather_batch(logits, person_ids) if self.gather else (logits, person_ids)
        person = (ids != BACKGROUND).to(everybody.dtype)[:, None]
        # A mean over nothing would be no number.
        loss = F.binary_cross_entropy_with_logits(everybody, person, reduction='sum')
        losses = self.learn(directions, person_ids)
        return losses | {'loss_norm': self.norm_weight * loss / max(len(ids), 1)}

    def _parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Compute ``(N, D)`` directions and ``(N, 1)`` logits of being a person."""
        embeddings = self.embed(features)
        lengths, norm = embeddings.norm(dim=1, keepdim=True), self.length_norm
        if norm.training and len(lengths) < 2:  # nothing to take statistics of
            statistics = norm.running_mean, norm.running_var
            logits = F.batch_norm(lengths, *statistics, norm.weight, norm.bias, eps=norm.eps)
        else:
            logits = norm(lengths)
        return F.normalize(embeddings), logits
