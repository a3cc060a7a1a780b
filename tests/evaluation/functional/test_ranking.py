from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from mmps.evaluation.functional.ranking import rank_hits, top_k


def random_row(seed, size, kinds):
    """Similarities with ties, some outside the gallery, and hits inside it."""
    generator = np.random.default_rng(seed)
    row = generator.integers(-kinds, kinds + 1, size=size) / 7
    row[generator.random(size) < 0.3] = -np.inf
    inside = np.flatnonzero(row > -np.inf)
    hits = generator.permutation(inside)[: generator.integers(0, len(inside) + 1)]
    return row, hits, len(hits) + int(generator.integers(0, 3))


@settings(max_examples=800, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), size=st.integers(1, 40), kinds=st.sampled_from([0, 2, 10**6])
)
def test_equals_scikit_learn_times_recall(seed, size, kinds):
    row, hits, num_targets = random_row(seed, size, kinds)
    ranked = rank_hits(row, hits, max(num_targets, 1))
    inside = row > -np.inf
    labels = np.zeros(size, dtype=int)
    labels[hits] = 1
    expected = 0.0
    if len(hits):
        recall = len(hits) / max(num_targets, 1)
        expected = average_precision_score(labels[inside], row[inside]) * recall
    assert ranked.average_precision == pytest.approx(expected, abs=1e-9)
    order = sorted(np.flatnonzero(inside), key=lambda i: -row[i])
    places = [place for place, i in enumerate(order, start=1) if labels[i]]
    assert ranked.first_rank == (places[0] if places else 0)
    beaten = [i for i in hits if any(row[j] >= row[i] and not labels[j] for j in order)]
    assert ranked.num_outranked == len(beaten)


def test_places_1_and_3_of_3():
    ranked = rank_hits(np.array([0.9, 0.8, 0.7]), np.array([0, 2]), 3)
    assert ranked.average_precision == pytest.approx((1 + 2 / 3) / 3)
    assert (ranked.first_rank, ranked.num_outranked) == (1, 1)


def test_equal_similarities_share_a_place_but_the_first_rank_goes_by_order():
    ranked = rank_hits(np.array([0.5, 0.5, 0.5, 0.1]), np.array([1]), 1)
    assert ranked.average_precision == pytest.approx(1 / 3)
    assert ranked.first_rank == 2


def test_half_precision_is_not_rounded_further():
    row = np.array([1.0, 1 + 2**-10, 0.5], dtype=np.float16)
    assert rank_hits(row, np.array([0]), 1).first_rank == 2


def test_top_k_needs_a_hit():
    assert top_k(np.array([0, 1, 5, 6]), 5).tolist() == [False, True, True, False]
