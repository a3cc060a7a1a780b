from __future__ import annotations

import torch
from torch import Tensor

from mmps.registry import MODELS

from .base import ReIDLoss


@MODELS.register_module()
class CenterLoss(ReIDLoss):
    """Half the squared distance of an embedding to the centre of its identity.

    Wen et al., "A Discriminative Feature Learning Approach for Deep Face Recognition", eq. 2 to 4,
    with the mean over the batch instead of the sum; used by IAN (Xiao et al., 2019). Centres start
    at 0 and are not learned by gradient: after the loss, that of an identity with n boxes in the
    batch moves by ``rate`` times the sum of its differences to them over ``1 + n``. It pulls
    together and never apart, so it stands beside another loss, in :class:`LossSum`.

    Args:
        num_ids: Identities L.
        embedding_channels: Size D of an embedding.
        rate: The paper's alpha, in 0..1.
        loss_weight: Factor on the result.
    """

    log_name = 'loss_center'

    def __init__(
        self,
        num_ids: int,
        embedding_channels: int,
        rate: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_ids, self.rate, self.loss_weight = num_ids, rate, loss_weight
        self.register_buffer('centers', torch.zeros(num_ids, embedding_channels))

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss, then move the centres.

        Args:
            embeddings: ``(B, D)``.
            person_ids: ``(B,)`` numbers below L.

        Returns:
            The scalar loss, and ``center_distance``: the mean distance to the centre.
        """
        dtype = torch.promote_types(embeddings.dtype, torch.float32)
        difference = embeddings.to(dtype) - self.centers[person_ids]
        loss = self.loss_weight * 0.5 * difference.square().sum(1).mean()
        difference = difference.detach()
        self._move(difference, person_ids)
        return loss, {'center_distance': difference.norm(dim=1).mean()}

    @torch.no_grad()
    def _move(self, difference: Tensor, person_ids: Tensor) -> None:
        counts = torch.bincount(person_ids, minlength=self.num_ids)[person_ids]
        step = self.rate * difference / (1 + counts)[:, None]
        self.centers.index_add_(0, person_ids, step.to(self.centers.dtype))
