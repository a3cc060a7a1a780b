"""Choice of triplets in a batch: pure functions of distances and of who is whom.

Letters: B anchors, M references (the batch itself, or more), T triplets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from mmengine.utils import get_object_from_string
from torch import Tensor

from mmps.structures import ConfigError, is_labelled


class Triplets(NamedTuple):
    """Indices of T triplets.

    Attributes:
        anchors: ``(T,)`` rows of the distance matrix.
        positives: ``(T,)`` columns of the distance matrix.
        negatives: ``(T,)`` columns of the distance matrix.
    """

    anchors: Tensor
    positives: Tensor
    negatives: Tensor


def pair_masks(
    person_ids: Tensor, unlabelled_negatives: bool = False, memory_ids: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Check which pairs of a batch show the same person and which show two persons.

    Args:
        person_ids: ``(B,)`` integers, ``UNLABELLED`` where unknown.
        unlabelled_negatives: Whether unlabelled people count as negatives of labelled anchors.
        memory_ids: ``(S,)`` identities of further references, which stand behind the batch.

    Returns:
        Two ``(B, B + S)`` boolean matrices, anchors in rows: positive pairs (never a row with
        itself) and negative pairs. Rows of unlabelled people are empty in both.
    """
    references = person_ids if memory_ids is None else torch.cat([person_ids, memory_ids])
    labelled, candidates = is_labelled(person_ids), is_labelled(references)
    equal = person_ids[:, None] == references[None]
    itself = torch.eye(*equal.shape, dtype=torch.bool, device=person_ids.device)
    positive = equal & ~itself & labelled[:, None]
    if unlabelled_negatives:
        candidates = torch.ones_like(candidates)
    return positive, ~equal & labelled[:, None] & candidates[None]


def batch_hard(distances: Tensor, positive: Tensor, negative: Tensor) -> Triplets:
    """Pick the farthest positive and the nearest negative of every anchor.

    Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", eq. 5.

    Args:
        distances: ``(B, M)``.
        positive: ``(B, M)`` booleans, pairs of one person.
        negative: ``(B, M)`` booleans, pairs of two persons.

    Returns:
        One triplet for each anchor that has a positive and a negative.
    """
    infinity = torch.full_like(distances, float('inf'))
    anchors = (positive.any(1) & negative.any(1)).nonzero().squeeze(1)
    farthest = torch.where(positive, distances, -infinity)[anchors]
    nearest = torch.where(negative, distances, infinity)[anchors]
    if not len(anchors):
        return Triplets(anchors, anchors, anchors)
    return Triplets(anchors, farthest.argmax(1), nearest.argmin(1))


def semi_hard(distances: Tensor, positive: Tensor, negative: Tensor) -> Triplets:
    """Pick, for every positive pair, the nearest negative that is farther than the positive.

    Where no negative is farther than the positive, the farthest one is taken. Schroff et al.,
    "FaceNet", section 3.2, in the form of TensorFlow's ``triplet_semihard_loss``.

    Args:
        distances: ``(B, M)``.
        positive: ``(B, M)`` booleans, pairs of one person.
        negative: ``(B, M)`` booleans, pairs of two persons.

    Returns:
        One triplet for each positive pair whose anchor has a negative.
    """
    anchors, positives = (positive & negative.any(1)[:, None]).nonzero(as_tuple=True)
    infinity = torch.full_like(distances, float('inf'))
    ascending, order = torch.where(negative, distances, infinity).sort(1)
    within = torch.searchsorted(ascending, distances.contiguous(), right=True)[anchors, positives]
    last = negative.sum(1)[anchors] - 1
    negatives = order[anchors, torch.minimum(within, last)]
    return Triplets(anchors, positives, negatives)


def batch_all(distances: Tensor, positive: Tensor, negative: Tensor) -> Triplets:
    """Take every triplet, as the "batch all" loss of Hermans et al., eq. 6.

    Args:
        distances: ``(B, M)``; which triplets there are does not depend on them.
        positive: ``(B, M)`` booleans, pairs of one person.
        negative: ``(B, M)`` booleans, pairs of two persons.

    Returns:
        A triplet for each positive pair and each negative of its anchor.
    """
    valid = positive[:, :, None] & negative[:, None, :]
    return Triplets(*valid.nonzero(as_tuple=True))


Miner = Callable[[Tensor, Tensor, Tensor], Triplets]

MINERS: dict[str, Miner] = {
    'batch_hard': batch_hard,
    'semi_hard': semi_hard,
    'batch_all': batch_all,
}


def get_miner(name: str) -> Miner:
    """Look a miner up by the name that configs use.

    Args:
        name: A key of ``MINERS``, or the dotted path of a function with the same arguments and
            result.

    Raises:
        ConfigError: There is no miner of this name.
    """
    miner = MINERS.get(name) or (get_object_from_string(name) if '.' in name else None)
    if not callable(miner):
        raise ConfigError(
            f'miner={name!r} is unknown; choose one of {", ".join(MINERS)}, or write the dotted '
            'path of a function of your own'
        )
    return miner
