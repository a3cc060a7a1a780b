"""The contract of re-ID losses, and how a loss is called.

A loss is a module ``loss(embeddings, person_ids)`` from ``(B, D)`` floats and ``(B,)`` integers to
a scalar. A plain ``torch.nn.Module`` will do, also one from another package. The batch is that of
all ranks together, so that every rank computes the same.

* **Who is in the batch.** People with an identity, numbered 0, 1, ... in training. People without
  one (``UNLABELLED``) come where the loss has ``uses_unlabelled = True``, boxes without a person
  (``BACKGROUND``) where it has ``uses_background = True``; their rows are removed otherwise.
* **Weights and state.** A loss is built once per run. Its parameters are trained by the optimizer
  of the branch; its buffers (tables, queues, centres, pointers), changed in ``forward`` under
  ``torch.no_grad()``, are saved in checkpoints. Both are there again in a resumed run.
* **What ends with an epoch.** State outside of buffers is in no checkpoint, so it must not outlive
  an epoch: :meth:`ReIDLoss.reset` forgets it.
* **Statistics** for the log come from :meth:`ReIDLoss.with_statistics`, where there are some.
* **Sizes.** ``'auto'`` in a loss's config is filled in, see
  :class:`mmps.models.losses.stage_losses.StageLosses`.
"""

from __future__ import annotations

from torch import Tensor, nn

from mmps.structures import BACKGROUND, ConfigError, is_labelled

LOG_NAME = 'loss_reid'
"""Name in the log of a loss without ``log_name``."""


class ReIDLoss(nn.Module):
    """A re-ID loss that has more to say than a scalar; subclasses write :meth:`with_statistics`.

    Attributes:
        log_name: Under which the log shows the loss; it begins with ``loss``.
        uses_unlabelled: Whether people of unknown identity make a difference; batches then hold
            some.
        uses_background: Whether boxes without a person do.
    """

    log_name = LOG_NAME
    uses_unlabelled = False
    uses_background = False

    def forward(self, embeddings: Tensor, person_ids: Tensor) -> Tensor:
        """Compute the loss of a batch; see the module for the contract."""
        return self.with_statistics(embeddings, person_ids)[0]

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss, and detached scalars that a training log should show beside it.

        Args:
            embeddings: ``(B, D)``.
            person_ids: ``(B,)`` integers, ``UNLABELLED`` where unknown.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget what no buffer holds; called when a loss takes over and when an epoch begins."""


def compute(
    loss: nn.Module, embeddings: Tensor, person_ids: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Call a loss as the contract says.

    Args:
        loss: A :class:`ReIDLoss`, or a plain module.
        embeddings: ``(B, D)`` of everybody.
        person_ids: ``(B,)`` identities; ``UNLABELLED``, or ``BACKGROUND`` where there is no person.

    Returns:
        A scalar and statistics. A batch in which nobody is left gives exactly 0, attached to the
        embeddings and to the weights of the loss, and no statistics.

    Raises:
        ConfigError: The loss does not return a scalar.
    """
    wanted = takes_part(loss, person_ids)
    count = int(wanted.sum())
    if not count:
        return embeddings.sum() * 0 + sum(p.sum() * 0 for p in loss.parameters()), {}
    if count < len(wanted):
        embeddings, person_ids = embeddings[wanted], person_ids[wanted]
    if isinstance(loss, ReIDLoss):
        return loss.with_statistics(embeddings, person_ids)
    value = loss(embeddings, person_ids)
    if not isinstance(value, Tensor) or value.numel() != 1:
        found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ConfigError(
            f'{type(loss).__name__} must return a scalar, got {found}: let it take the mean over '
            'the batch'
        )
    return value.squeeze(), {}


def takes_part(loss: nn.Module, person_ids: Tensor) -> Tensor:
    """Check which rows of a batch a loss wants to see: ``(B,)`` booleans.

    Args:
        loss: Any; its attributes ``uses_unlabelled`` and ``uses_background`` decide.
        person_ids: ``(B,)``.
    """
    labelled, background = is_labelled(person_ids), person_ids == BACKGROUND
    wanted = labelled
    if getattr(loss, 'uses_unlabelled', False):
        wanted = wanted | (~labelled & ~background)
    if getattr(loss, 'uses_background', False):
        wanted = wanted | background
    return wanted
