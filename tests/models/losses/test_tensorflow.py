"""Semi-hard triplets beside TensorFlow's definition, term by term, in NumPy."""

import numpy as np
import pytest
import torch

from mmps.models.losses import SemiHardTripletLoss


def masked_maximum(data, mask):
    lowest = data.min(1, keepdims=True)
    return ((data - lowest) * mask).max(1, keepdims=True) + lowest


def masked_minimum(data, mask):
    highest = data.max(1, keepdims=True)
    return ((data - highest) * mask).min(1, keepdims=True) + highest


def triplet_semihard_loss(labels, embeddings, margin, squared):
    """``triplet_semihard_loss`` of TensorFlow: all pairs (i, j) as rows of a (B * B, B) table."""
    difference = embeddings[:, None] - embeddings[None]
    pairwise = (difference**2).sum(2)
    pairwise = pairwise if squared else np.sqrt(pairwise)
    size = len(labels)
    adjacency = labels[:, None] == labels[None]
    tiled = np.tile(pairwise, (size, 1))
    beyond = np.tile(~adjacency, (size, 1)) & (tiled > pairwise.T.reshape(-1, 1))
    exists = (beyond.sum(1, keepdims=True) > 0).reshape(size, size).T
    outside = masked_minimum(tiled, beyond).reshape(size, size).T
    inside = np.tile(masked_maximum(pairwise, ~adjacency), (1, size))
    violation = margin + pairwise - np.where(exists, outside, inside)
    positives = adjacency.astype(float) - np.eye(size)
    return np.maximum(violation * positives, 0).sum() / positives.sum()


@pytest.mark.parametrize('margin', [0.1, 0.3, 1.0, 5.0])
@pytest.mark.parametrize(('distance', 'squared'), [('euclidean', 0), ('squared_euclidean', 1)])
def test_semi_hard_agrees_with_tensorflows_definition(distance, squared, margin):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels = np.concatenate([[0, 0, 1, 1], rng.integers(0, 6, 20)])
        embeddings = rng.normal(size=(len(labels), 4)) * rng.choice([0.3, 1.0, 3.0])
        expected = triplet_semihard_loss(labels, embeddings, margin, squared)
        loss = SemiHardTripletLoss(margin, distance=distance)
        found = loss(torch.from_numpy(embeddings), torch.from_numpy(labels))
        assert found.item() == pytest.approx(expected, abs=1e-9)
        assert expected > 0
