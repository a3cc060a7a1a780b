"""Losses of the compared systems in NumPy, term by term: the reference of those with tensors.

Each has ``value``, which changes nothing and is analytic in its arguments, so that
:func:`gradient` differentiates it exactly, and ``update``, which moves its tables.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

STEP = 1e-30
UNKNOWN, BACKGROUND = -1, -100


def gradient(function: Callable[[np.ndarray], complex], at: np.ndarray) -> np.ndarray:
    """Differentiate by complex steps, without any cancellation of digits."""
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1j * STEP
        found[index] = function(moved).imag / STEP
    return found


def unit(vector: np.ndarray) -> np.ndarray:
    """Scale to length 1; a complex step passes."""
    return vector / np.sqrt((vector * vector).sum())


def entropy(logits: list[complex], target: int, smoothing: float = 0.0) -> complex:
    """Cross entropy with a target of 1 - smoothing plus an equal share of smoothing for each."""
    logits = np.array(logits)
    log_sum = np.log(np.exp(logits).sum())
    even = sum(log_sum - logit for logit in logits) / len(logits)
    return (1 - smoothing) * (log_sum - logits[target]) + smoothing * even


def mean(terms: list[complex]) -> complex:
    """Mean, 0 of nothing."""
    return sum(terms) / len(terms) if terms else 0j


class LiteralOIM:
    """OIM; IOIM with another scale of the queue."""

    def __init__(self, num_ids, channels, queue, scale, momentum, queue_scale=None):
        self.table, self.queue = np.zeros((num_ids, channels)), np.zeros((queue, channels))
        self.head, self.scale, self.momentum = 0, scale, momentum
        self.queue_scale = queue_scale or scale

    def term(self, x, target):
        """``-log p`` of one person."""
        logits = [self.scale * (row @ unit(x)) for row in self.table]
        logits += [self.queue_scale * (row @ unit(x)) for row in self.queue]
        return entropy(logits, target)

    def value(self, embeddings, ids):
        """Mean over labelled people."""
        return mean([self.term(x, i) for x, i in zip(embeddings, ids, strict=True) if i >= 0])

    def update(self, embeddings, ids):
        """Person by person, as public code."""
        for x, identity in zip(embeddings, ids, strict=True):
            if identity >= 0:
                moved = self.momentum * self.table[identity] + (1 - self.momentum) * unit(x)
                self.table[identity] = unit(moved)
            else:
                self.queue[self.head] = unit(x)
                self.head = (self.head + 1) % len(self.queue)


class LiteralIEL(LiteralOIM):
    """OIM with annotated unlabelled people."""

    def __init__(self, *args, min_similarity, enhanced_weight):
        super().__init__(*args)
        self.min_similarity, self.enhanced_weight = min_similarity, enhanced_weight

    def annotate(self, x):
        """The identity of an unlabelled person, or unknown."""
        similarities = [row @ unit(x.real) for row in self.table]
        best = int(np.argmax(similarities))
        return best if similarities[best] >= self.min_similarity else UNKNOWN

    def value(self, embeddings, ids):
        """Mean over labelled people, and over annotated ones."""
        strangers = [x for x, i in zip(embeddings, ids, strict=True) if i < 0]
        annotated = [(x, self.annotate(x)) for x in strangers]
        enhanced = mean([self.term(x, i) for x, i in annotated if i >= 0])
        return super().value(embeddings, ids) + self.enhanced_weight * enhanced

    def update(self, embeddings, ids):
        """Without the annotated."""
        kept = [i >= 0 or self.annotate(x) < 0 for x, i in zip(embeddings, ids, strict=True)]
        super().update(embeddings[kept], ids[kept])


class LiteralCenter:
    """Centre loss."""

    def __init__(self, num_ids, channels, rate):
        self.centers, self.rate = np.zeros((num_ids, channels)), rate

    def value(self, embeddings, ids):
        """Mean of half the squared distances."""
        pairs = zip(embeddings, ids, strict=True)
        return mean([((x - self.centers[i]) ** 2).sum() / 2 for x, i in pairs if i >= 0])

    def update(self, embeddings, ids):
        """Wen et al., eq. 4."""
        for identity, center in enumerate(self.centers.copy()):
            mine = [x for x, i in zip(embeddings, ids, strict=True) if i == identity]
            change = sum((center - x for x in mine), np.zeros_like(center)) / (1 + len(mine))
            self.centers[identity] = center - self.rate * change


class LiteralSoftmax:
    """Identity softmax, over all classes, random ones, or those of hard examples."""

    def __init__(self, num_ids, smoothing=0.0, scale=None, background=False):
        self.num_ids, self.smoothing, self.scale = num_ids, smoothing, scale
        self.background, self.pool_size, self.batches = background, None, 0
        self.hardest, self.dictionary, self.size = 0, [], 0

    def sampled(self, pool_size, hardest=0, dictionary=0):
        """Make it a softmax over a pool of classes."""
        self.pool_size, self.hardest, self.size = pool_size, hardest, dictionary
        return self

    def pool(self, embeddings, ids):
        """Classes of the batch, of hard negatives, and random ones."""
        count = self.num_ids + self.background
        if not self.pool_size:
            return list(range(count))
        chosen = []
        for identity in ids:
            label = self.num_ids if identity == BACKGROUND else identity
            if label not in chosen:
                chosen.append(label)
        present, hard = len(chosen), []
        people = [(unit(x.real), i) for x, i in zip(embeddings, ids, strict=True) if i >= 0]
        if self.hardest:
            dictionary = (self.dictionary + people)[-self.size :]
            for x, identity in people:
                mine = sorted(((x @ n, i) for n, i in dictionary if i != identity), reverse=True)
                hard += mine[: self.hardest]
        drawn = torch.randperm(count, generator=torch.Generator().manual_seed(self.batches))
        for label in [label for _, label in sorted(hard, reverse=True)] + drawn.tolist():
            if label not in chosen and len(chosen) < max(self.pool_size, present):
                chosen.append(label)
        return chosen

    def value(self, embeddings, ids, weight, bias=None):
        """Mean over everybody who has a class."""
        kept = [(x, i) for x, i in zip(embeddings, ids, strict=True) if self.has_class(i)]
        pool = self.pool([x for x, _ in kept], [i for _, i in kept])
        terms = []
        for x, identity in kept:
            target = pool.index(self.num_ids if identity == BACKGROUND else identity)
            if self.scale is None:
                logits = [weight[c] @ x + bias[c] for c in pool]
            else:
                logits = [self.scale * (unit(weight[c]) @ unit(x)) for c in pool]
            terms.append(entropy(logits, target, self.smoothing))
        return mean(terms)

    def has_class(self, identity):
        """Whether somebody takes part."""
        return identity >= 0 or (self.background and identity == BACKGROUND)

    def update(self, embeddings, ids):
        """Count batches, and fill the dictionary."""
        if any(self.has_class(i) for i in ids):
            self.batches += 1
        people = [(unit(x), i) for x, i in zip(embeddings, ids, strict=True) if i >= 0]
        self.dictionary = (self.dictionary + people)[-self.size :]


class LiteralOLP:
    """Online pairing; gradients of anchors alone."""

    def __init__(self, size, scale=1.0):
        self.size, self.scale, self.dictionary = size, scale, []

    def value(self, embeddings, ids):
        """Mean over ordered pairs of one person."""
        fixed = [(unit(x.real), i) for x, i in zip(embeddings, ids, strict=True)]
        dictionary, terms = (self.dictionary + fixed)[-self.size :], []
        for a, anchor in enumerate(embeddings):
            negatives = [n for n, i in dictionary if i != ids[a]]
            for p, (positive, identity) in enumerate(fixed):
                if p != a and ids[a] == identity >= 0:
                    logits = [self.scale * (unit(anchor) @ x) for x in [positive, *negatives]]
                    terms.append(entropy(logits, 0))
        return mean(terms)

    def update(self, embeddings, ids):
        """Fill the dictionary."""
        fixed = [(unit(x), i) for x, i in zip(embeddings, ids, strict=True)]
        self.dictionary = (self.dictionary + fixed)[-self.size :]
