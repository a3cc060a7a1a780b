from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mmps.registry import MODELS
from mmps.structures import BACKGROUND, ConfigError, is_labelled

from .base import ReIDLoss
from .oim import mean_or_zero
from .tables import EmbeddingQueue, products


class IdentityClassifier(nn.Module):
    """A linear classifier of identities, of which some classes can be computed alone.

    Args:
        classes: C, background included.
        channels: D.
        scale: Factor on cosines; ``None`` for a plain linear layer with bias.
    """

    def __init__(self, classes: int, channels: int, scale: float | None) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.randn(classes, channels) * 0.01)
        self.bias = nn.Parameter(torch.zeros(classes)) if scale is None else None

    def forward(self, embeddings: Tensor, classes: Tensor | None = None) -> Tensor:
        """Compute logits.

        Args:
            embeddings: ``(B, D)``.
            classes: ``(M,)`` the classes to compute; all by default.

        Returns:
            ``(B, M)``.
        """
        weight = self.weight if classes is None else self.weight[classes]
        if self.scale is not None:
            return self.scale * products(F.normalize(embeddings), F.normalize(weight))
        return products(embeddings, weight) + (self.bias if classes is None else self.bias[classes])


@MODELS.register_module()
class IdentitySoftmaxLoss(ReIDLoss):
    """Softmax over all identities, the usual classification loss of re-identification.

    Args:
        num_ids: Identities L.
        embedding_channels: Size D of an embedding.
        label_smoothing: Share of the target that is spread over all classes; 0.1 in Luo et al.,
            "Bag of Tricks".
        scale: Factor on cosines between embeddings and classes, for embeddings of unit length;
            ``None`` for a plain linear layer.
        background: Whether boxes without a person are one more class.
        loss_weight: Factor on the result.
    """

    log_name = 'loss_softmax'

    def __init__(
        self,
        num_ids: int,
        embedding_channels: int,
        label_smoothing: float = 0.0,
        scale: float | None = None,
        background: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_ids, self.uses_background = num_ids, background
        self.label_smoothing, self.loss_weight = label_smoothing, loss_weight
        self.classifier = IdentityClassifier(num_ids + background, embedding_channels, scale)

    def with_statistics(
        self, embeddings: Tensor, person_ids: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss.

        Args:
            embeddings: ``(B, D)``.
            person_ids: ``(B,)`` numbers below L, ``BACKGROUND`` where that is a class.

        Returns:
            The scalar loss, and ``accuracy`` in 0..1.
        """
        targets = torch.where(person_ids == BACKGROUND, self.num_ids, person_ids)
        pool = self.classes(embeddings, person_ids, targets)
        logits = self.classifier(embeddings, pool)
        if pool is not None:
            targets = (pool[None] == targets[:, None]).int().argmax(1)
        loss = self.loss_weight * mean_or_zero(logits, targets, self.label_smoothing)
        return loss, {'accuracy': (logits.detach().argmax(1) == targets).to(logits.dtype).mean()}

    def classes(self, embeddings: Tensor, person_ids: Tensor, targets: Tensor) -> Tensor | None:
        """Choose the classes of a batch.

        Args:
            embeddings: ``(B, D)``.
            person_ids: ``(B,)``.
            targets: ``(B,)`` class of each.

        Returns:
            ``(M,)`` classes, those of the batch among them; ``None`` for all.
        """
        return None


@MODELS.register_module()
class RandomSamplingSoftmaxLoss(IdentitySoftmaxLoss):
    """Softmax over the classes of a batch and random others, so that all classes learn alike.

    After Xiao et al., "End-to-End Deep Learning for Person Search" (arXiv 1604.01850, first
    version, 2016). The others are drawn by (seed, number of the batch), equally on all ranks.

    Args:
        *args: As in :class:`IdentitySoftmaxLoss`.
        pool_size: Classes M of a batch; more where the batch itself has more.
        seed: Of the draws.
        **kwargs: As in :class:`IdentitySoftmaxLoss`.

    Raises:
        ConfigError: The pool is empty.
    """

    def __init__(
        self,
        *args: Any,
        pool_size: int = 100,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if pool_size < 1:
            raise ConfigError(f'pool_size={pool_size} of {type(self).__name__} must be 1 or more')
        self.pool_size, self.seed = pool_size, seed
        self.register_buffer('batches', torch.zeros((), dtype=torch.long))

    def classes(self, embeddings: Tensor, person_ids: Tensor, targets: Tensor) -> Tensor:
        """Choose the classes of a batch; see :meth:`IdentitySoftmaxLoss.classes`."""
        drawn = random_order(len(self.classifier.weight), self.seed + int(self.batches))
        self.batches.add_(1)
        preferred = self.preferred(F.normalize(embeddings.detach()), person_ids)
        return class_pool(targets, preferred, drawn.to(targets.device), self.pool_size)

    def preferred(self, embeddings: Tensor, person_ids: Tensor) -> Tensor:
        """List classes that come before random ones: none.

        Args:
            embeddings: ``(B, D)`` of unit length.
            person_ids: ``(B,)``.

        Returns:
            ``(K,)`` classes, the most wanted first.
        """
        return person_ids[:0]


@MODELS.register_module()
class HardExamplePriorityLoss(RandomSamplingSoftmaxLoss):
    """Softmax over the classes of a batch, then those of its hardest negatives, then random ones.

    After He et al., "End-to-End Detection and Re-identification Integrated Net for Person Search"
    (arXiv 1804.00376): the hardest negatives are the most similar people of other identities in a
    dictionary of the last batches, this one included. The size of the pool is ours.

    Args:
        num_ids: Identities L.
        embedding_channels: Size D of an embedding.
        dictionary_size: People in the dictionary; the paper: four times a batch.
        hardest: Negatives of each person whose classes are preferred; the paper: 20.
        **kwargs: As in :class:`RandomSamplingSoftmaxLoss`.
    """

    log_name = 'loss_hep'

    def __init__(
        self,
        num_ids: int,
        embedding_channels: int,
        dictionary_size: int = 512,
        hardest: int = 20,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_ids, embedding_channels, **kwargs)
        self.hardest = hardest
        self.dictionary = EmbeddingQueue(dictionary_size, embedding_channels)

    def preferred(self, embeddings: Tensor, person_ids: Tensor) -> Tensor:
        """List the classes of the hardest negatives, of the most similar one first."""
        known = is_labelled(person_ids)
        anchors, ids = embeddings[known], person_ids[known]
        self.dictionary.push(anchors, ids)
        others = self.dictionary.person_ids
        similarity = products(anchors, self.dictionary.embeddings)
        negative = is_labelled(others)[None] & (others[None] != ids[:, None])
        similarity = similarity.masked_fill(~negative, -torch.inf)
        hardest = similarity.topk(min(self.hardest, len(others)), dim=1)
        similarity, order = hardest.values.flatten().sort(descending=True, stable=True)
        return others[hardest.indices.flatten()[order][similarity > -torch.inf]]


def random_order(count: int, seed: int) -> Tensor:
    """Draw an order of ``count`` classes that depends on nothing but the seed."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def class_pool(present: Tensor, preferred: Tensor, drawn: Tensor, size: int) -> Tensor:
    """Choose classes without repetition.

    Args:
        present: Classes that must be in it.
        preferred: Classes that come next, the most wanted first.
        drawn: ``(C,)`` all classes in random order, which fill the rest.
        size: How many are chosen; more where more are present.

    Returns:
        ``(M,)`` classes.
    """
    candidates = torch.cat([present, preferred, drawn])
    places = torch.arange(len(candidates), device=candidates.device)
    first = places.new_full((len(drawn),), len(candidates))
    first.scatter_reduce_(0, candidates, places, 'amin')
    return first.argsort()[: max(size, len(present.unique()))]
