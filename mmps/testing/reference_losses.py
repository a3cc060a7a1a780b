"""Triplet losses as literal loops over all triplets: the vectorised ones' reference."""

from __future__ import annotations

import torch
from torch import Tensor


def _distance(a: Tensor, b: Tensor, name: str) -> Tensor:
    if name == 'cosine':
        return 1 - (a @ b) / (a.norm() * b.norm())
    square = ((a - b) ** 2).sum()
    return square if name == 'squared_euclidean' else square.sqrt()


def _violation(difference: Tensor, margin: float | str) -> Tensor:
    if margin == 'soft':
        return torch.log1p(torch.exp(difference))
    return torch.clamp(difference + margin, min=0)


def batch_hard_loss(
    embeddings: Tensor,
    person_ids: list[int],
    margin: float | str,
    distance: str,
    unlabelled_negatives: bool = False,
) -> Tensor:
    """Hermans et al., eq. 5, with loops; negative ids are nobody's positive and no anchor."""
    terms = []
    for a, anchor in enumerate(person_ids):
        positives, negatives = _partners(a, person_ids, unlabelled_negatives)
        if anchor < 0 or not positives or not negatives:
            continue
        farthest = max(
            (_distance(embeddings[a], embeddings[p], distance) for p in positives), key=Tensor.item
        )
        nearest = min(
            (_distance(embeddings[a], embeddings[n], distance) for n in negatives), key=Tensor.item
        )
        terms.append(_violation(farthest - nearest, margin))
    return torch.stack(terms).mean() if terms else embeddings.sum() * 0


def semi_hard_loss(
    embeddings: Tensor,
    person_ids: list[int],
    margin: float,
    distance: str,
    unlabelled_negatives: bool = False,
) -> Tensor:
    """FaceNet's semi-hard triplets in TensorFlow's form, with loops."""
    terms = []
    for a, anchor in enumerate(person_ids):
        positives, negatives = _partners(a, person_ids, unlabelled_negatives)
        if anchor < 0 or not negatives:
            continue
        to_negatives = [_distance(embeddings[a], embeddings[n], distance) for n in negatives]
        for p in positives:
            to_positive = _distance(embeddings[a], embeddings[p], distance)
            farther = [d for d in to_negatives if d > to_positive]
            chosen = (
                min(farther, key=Tensor.item) if farther else max(to_negatives, key=Tensor.item)
            )
            terms.append(_violation(to_positive - chosen, margin))
    return torch.stack(terms).mean() if terms else embeddings.sum() * 0


def _partners(
    anchor: int, person_ids: list[int], unlabelled_negatives: bool
) -> tuple[list[int], list[int]]:
    positives, negatives = [], []
    for other, identity in enumerate(person_ids):
        if other == anchor:
            continue
        if identity == person_ids[anchor] and identity >= 0:
            positives.append(other)
        elif identity != person_ids[anchor] and (identity >= 0 or unlabelled_negatives):
            negatives.append(other)
    return positives, negatives
