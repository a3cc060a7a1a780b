from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mmps.registry import MODELS
from mmps.structures import BACKGROUND

from .base import ReIDLoss
from .mining import pair_masks
from .tables import EmbeddingQueue, products


@MODELS.register_module()
class OnlinePairingLoss(ReIDLoss):
    """Softmax of a positive pair against the negatives of a dictionary (OLP).

    After He et al., "End-to-End Detection and Re-identification Integrated Net for Person Search"
    (I-Net, arXiv 1804.00376): ``-log(e^d(a,p) / (e^d(a,p) + sum e^d(a,n)))``, d the cosine, mean
    over all pairs of an anchor and a positive of the batch; only the anchor gets gradients. The
    dictionary holds the people of the last batches, this one included, oldest out first. There a
    batch is two images of the same people; here it is any batch.

    Args:
        embedding_channels: Size D of an embedding, which gets unit length here.
        dictionary_size: People in the dictionary; the paper: four times a batch.
        scale: Factor on cosines; 1 in the paper.
        unlabelled_negatives: Whether unlabelled people are negatives too.
        loss_weight: Factor on the result.
    """

    log_name = 'loss_olp'

    def __init__(
        self,
        embedding_channels: int,
        dictionary_size: int = 512,
        scale: float = 1.0,
        unlabelled_negatives: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.loss_weight = scale, loss_weight
        self.uses_unlabelled = unlabelled_negatives
        self.dictionary = EmbeddingQueue(dictionary_size, embedding_channels)

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Fill the dictionary, then compute the loss.

        Args:
            embeddings: ``(B, D)`` of any length.
            person_ids: ``(B,)`` integers, ``UNLABELLED`` where unknown.

        Returns:
            The scalar loss, exactly 0 without a positive pair, and ``positive_similarity``: the
            mean cosine of the pairs.
        """
        embeddings = F.normalize(embeddings)
        fixed = embeddings.detach()
        self.dictionary.push(fixed, person_ids)
        anchors, positives = pair_masks(person_ids)[0].nonzero(as_tuple=True)
        if not len(anchors):
            return embeddings.sum() * 0, {}
        to_positive = (embeddings[anchors] * fixed[positives]).sum(1)
        to_negatives = self._to_negatives(embeddings, person_ids)[anchors]
        logits = torch.cat([self.scale * to_positive[:, None], to_negatives], dim=1)
        loss = self.loss_weight * F.cross_entropy(logits, torch.zeros_like(anchors))
        return loss, {'positive_similarity': to_positive.detach().mean()}

    def _to_negatives(self, embeddings: Tensor, person_ids: Tensor) -> Tensor:
        """Compute ``(B, size)`` logits, minus infinity for whom is no negative."""
        others = self.dictionary.person_ids
        filled = others != BACKGROUND
        negative = filled[None] & (others[None] != person_ids[:, None])
        logits = self.scale * products(embeddings, self.dictionary.embeddings.clone())
        return logits.masked_fill(~negative, -torch.inf)
