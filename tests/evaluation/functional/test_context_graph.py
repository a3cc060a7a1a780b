from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from mmps.evaluation.functional.context_graph import match_context


def best_matching(similarities):
    """Try every one-to-one matching of the smaller side."""
    rows, columns = similarities.shape
    best, pairs = -np.inf, []
    if rows <= columns:
        options = [enumerate(chosen) for chosen in permutations(range(columns), rows)]
    else:
        options = [zip(p, range(columns), strict=True) for p in permutations(range(rows), columns)]
    for option in map(list, options):
        total = sum(similarities[pair] for pair in option)
        if total > best:
            best, pairs = total, option
    return pairs


@pytest.mark.parametrize('seed', range(40))
def test_equals_all_matchings(seed):
    generator = np.random.default_rng(seed)
    similarities = generator.normal(size=generator.integers(1, 5, size=2))
    pairs = best_matching(similarities)
    own = [column for row, column in pairs if row == 0]
    matched = match_context(similarities)
    if not own:
        assert matched is None
    else:
        assert matched == (own[0], pytest.approx(max(similarities[pair] for pair in pairs)))


def test_companion_decides():
    """The query alone prefers box 0, which its companion wants more."""
    assert match_context(np.array([[0.6, 0.5], [0.9, 0.1]])) == (1, 0.9)


def test_query_is_left_over():
    assert match_context(np.array([[0.1], [0.9]])) is None
