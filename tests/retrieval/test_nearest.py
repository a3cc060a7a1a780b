from __future__ import annotations

import numpy as np
import pytest
import torch

from mmps.retrieval import most_similar, nearest_rows

KINDS = [np.asarray, torch.as_tensor]


def naive(similarities, count):
    """Sort stably what is inside; the first of equals comes first."""
    inside = [i for i, value in enumerate(similarities) if value > -np.inf]
    return sorted(inside, key=lambda i: -similarities[i])[:count]


@pytest.mark.parametrize('array', KINDS)
def test_most_similar_equals_a_stable_sort(array):
    generator = np.random.default_rng(0)
    for _ in range(300):
        row = generator.integers(-2, 3, size=generator.integers(1, 30)) / 7
        row[generator.random(len(row)) < 0.3] = -np.inf
        count = int(generator.integers(1, 40))
        assert most_similar(array(row), count).tolist() == naive(row, count)


@pytest.mark.parametrize('array', KINDS)
@pytest.mark.parametrize('part', [None, 0.0, 0.05, 0.5, 1.0])
def test_nearest_rows_equal_a_stable_sort_of_all_products(array, part):
    """Whole numbers: products are exact, and many are equal."""
    generator = np.random.default_rng(1)
    queries = generator.integers(-2, 3, size=(7, 3)).astype(np.float32)
    rows = generator.integers(-2, 3, size=(90, 3)).astype(np.float32)
    inside = None if part is None else generator.random(90) < part
    products = queries @ rows.T
    if inside is not None:
        products[:, ~inside] = -np.inf
    for count in (1, 4, 1000):
        expected = [naive(row, count) for row in products]
        for memory_mb in (256, 1e-6):
            mask = None if inside is None else array(inside)
            found = nearest_rows(array(queries), array(rows), count, mask, memory_mb)
            assert type(found.positions) is type(array(rows))
            assert found.positions.tolist() == expected
            best = np.take_along_axis(products, np.array(expected, dtype=int).reshape(7, -1), 1)
            assert found.similarities.tolist() == best.tolist()


@pytest.mark.parametrize('array', KINDS)
def test_nothing_to_search(array):
    none = nearest_rows(array(np.ones((2, 3), np.float32)), array(np.ones((0, 3), np.float32)), 5)
    assert none.positions.shape == none.similarities.shape == (2, 0)
    none = nearest_rows(array(np.ones((0, 3), np.float32)), array(np.ones((4, 3), np.float32)), 5)
    assert none.positions.shape == (0, 4)


@pytest.mark.parametrize('array', KINDS)
def test_half_precision_is_summed_in_single(array):
    """2048 + 1 is no number of half precision."""
    rows = array(np.array([[2048.0, 0.0], [2048.0, 1.0]], np.float16))
    found = nearest_rows(array(np.ones((1, 2), np.float16)), rows, 2)
    assert found.positions.tolist() == [[1, 0]]
    assert found.similarities.tolist() == [[2049.0, 2048.0]]
