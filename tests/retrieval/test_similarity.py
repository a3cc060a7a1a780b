from __future__ import annotations

import numpy as np
import pytest
import torch

from mmps.retrieval import similarity_blocks

GENERATOR = np.random.default_rng(0)
QUERIES = GENERATOR.integers(-3, 4, size=(11, 4)).astype(np.float32)
ROWS = GENERATOR.integers(-3, 4, size=(20, 4)).astype(np.float32)


@pytest.mark.parametrize('array', [np.asarray, torch.as_tensor])
@pytest.mark.parametrize('memory_mb', [1e-9, 5e-4, 1.0])
def test_blocks_join_to_the_product_of_a_share(array, memory_mb):
    inside = GENERATOR.random((11, 20)) < 0.5
    expected = np.where(inside, QUERIES @ ROWS.T, -np.inf)
    share = slice(2, 10)
    blocks = similarity_blocks(
        array(QUERIES), array(ROWS), memory_mb, lambda block: array(inside[block]), share
    )
    places, parts = zip(*blocks, strict=True)
    np.testing.assert_array_equal(np.concatenate(parts), expected[share])
    assert [place.start for place in places[1:]] == [place.stop for place in places[:-1]]
    assert (places[0].start, places[-1].stop) == (2, 10)


@pytest.mark.parametrize('mask_bytes', [0, 1000])
def test_blocks_keep_to_the_bound(mask_bytes):
    row = 20 * (2 * 4 + 4) + mask_bytes
    bound = 3.5 * row / 2**20
    blocks = similarity_blocks(QUERIES, ROWS, bound, mask_bytes=mask_bytes)
    assert [len(similarities) for _, similarities in blocks] == [3, 3, 3, 2]
