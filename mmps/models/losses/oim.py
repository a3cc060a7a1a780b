from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mmps.registry import MODELS
from mmps.structures import is_labelled

from .base import ReIDLoss
from .tables import EmbeddingQueue, move_rows, products


@MODELS.register_module()
class OIMLoss(ReIDLoss):
    """Softmax over a remembered embedding of each identity and a queue of unlabelled people.

    Xiao et al., "Joint Detection and Identification Feature Learning for Person Search" (CVPR
    2017), eq. 1 to 4: ``-log p`` of the identity, mean over people who have one. After the loss
    of a batch, the row v of an identity moves to each of its embeddings x in turn, to unit length
    ``m v + (1 - m) x``, and unlabelled people enter the queue. Nothing of both is learned by
    gradient. As in public code, rows and places that are still empty count as similarity 0.

    With another ``queue_scale``, the distribution of unlabelled people is softer or harder than
    that of identities, as Liu et al. (ICASSP 2018) describe their IOIM; that two temperatures do
    it is our reading.

    Args:
        num_ids: Identities L.
        embedding_channels: Size D of an embedding, which gets unit length here.
        queue_size: Places for unlabelled people: 5000 for CUHK-SYSU, 500 for PRW; with 0, they are
            not used.
        scale: Factor on similarities, one over the temperature; 10 in the paper, 30 in most public
            code.
        momentum: Share of a row that stays.
        queue_scale: Factor for the queue, the same where left out.
        loss_weight: Factor on the result.
    """

    log_name = 'loss_oim'

    def __init__(
        self,
        num_ids: int,
        embedding_channels: int,
        queue_size: int = 5000,
        scale: float = 30.0,
        momentum: float = 0.5,
        queue_scale: float | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_ids, self.uses_unlabelled = num_ids, queue_size > 0
        self.scale, self.momentum, self.loss_weight = scale, momentum, loss_weight
        self.queue_scale = scale if queue_scale is None else queue_scale
        self.register_buffer('table', torch.zeros(num_ids, embedding_channels))
        self.queue = EmbeddingQueue(queue_size, embedding_channels)

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss, then update table and queue.

        Args:
            embeddings: ``(B, D)`` of any length.
            person_ids: ``(B,)`` numbers below L, ``UNLABELLED`` where unknown.

        Returns:
            The scalar loss, exactly 0 without identities, and ``matched``: the share of labelled
            people to whom their own row is the most similar of all.
        """
        embeddings = F.normalize(embeddings)
        logits, known = self._logits(embeddings), is_labelled(person_ids)
        loss = mean_or_zero(logits[known], person_ids[known])
        self._remember(embeddings.detach(), person_ids)
        return self.loss_weight * loss, _matched(logits[known], person_ids[known])

    def _logits(self, embeddings: Tensor) -> Tensor:
        # Clones: the tables change before the backward pass needs them.
        own = self.scale * products(embeddings, self.table.clone())
        queue = self.queue_scale * products(embeddings, self.queue.embeddings.clone())
        return torch.cat([own, queue], dim=1)

    def _remember(self, embeddings: Tensor, person_ids: Tensor) -> None:
        known = is_labelled(person_ids)
        move_rows(self.table, person_ids[known], embeddings[known], self.momentum)
        self.queue.push(embeddings[~known], person_ids[~known])


@MODELS.register_module()
class InstanceEnhancingLoss(OIMLoss):
    """OIM that also learns from unlabelled people who look like somebody with an identity.

    After Shi et al., "Instance Enhancing Loss" (ICIP 2018). From its abstract: unlabelled people
    similar to an identity are annotated with it and learned together with labelled ones, in an
    adjustable amount. The rest is our reading: an unlabelled person whose largest similarity to a
    row reaches ``min_similarity`` gets that identity, enters no queue and moves no row, so that an
    error does not confirm itself.

    Args:
        *args: As in :class:`OIMLoss`.
        min_similarity: Cosine from which an unlabelled person is annotated.
        enhanced_weight: Factor on the mean ``-log p`` of annotated people.
        **kwargs: As in :class:`OIMLoss`.
    """

    log_name = 'loss_iel'

    def __init__(
        self,
        *args: Any,
        min_similarity: float = 0.7,
        enhanced_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.uses_unlabelled = True
        self.min_similarity, self.enhanced_weight = min_similarity, enhanced_weight

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss, then update table and queue.

        Args:
            embeddings: ``(B, D)`` of any length.
            person_ids: ``(B,)`` numbers below L, ``UNLABELLED`` where unknown.

        Returns:
            As of :class:`OIMLoss`, and ``annotated``: the number of unlabelled people who were.
        """
        embeddings = F.normalize(embeddings)
        logits, known = self._logits(embeddings), is_labelled(person_ids)
        similarity, nearest = products(embeddings.detach(), self.table).max(1)
        annotated = ~known & (similarity >= self.min_similarity)
        loss = mean_or_zero(logits[known], person_ids[known])
        enhanced = mean_or_zero(logits[annotated], nearest[annotated])
        self._remember(embeddings.detach()[~annotated], person_ids[~annotated])
        statistics = _matched(logits[known], person_ids[known])
        statistics['annotated'] = annotated.sum().to(logits.dtype)
        return self.loss_weight * (loss + self.enhanced_weight * enhanced), statistics


def mean_or_zero(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Compute the mean cross entropy; exactly 0, attached to the graph, without rows.

    Args:
        logits: ``(N, C)``.
        targets: ``(N,)`` classes.
        smoothing: Share of the target that is spread over all classes.
    """
    if not len(targets):
        return logits.sum() * 0
    return F.cross_entropy(logits, targets, label_smoothing=smoothing)


def _matched(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    if not len(targets):
        return {}
    return {'matched': (logits.detach().argmax(1) == targets).to(logits.dtype).mean()}
