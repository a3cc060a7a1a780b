from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.synthetic.plan import MIN_APPEARANCES, RecipeError, plan_split, share


def plan(images, identities, seed=0, first=0, cameras=6):
    ids = range(first, first + identities)
    return plan_split('train', images, ids, cameras, 10, np.random.default_rng(seed))


@given(total=st.integers(0, 1000), first=st.floats(0, 1))
def test_shares_sum_to_the_whole(total, first):
    parts = share(total, {'train': first, 'test': 1 - first})
    assert sum(parts.values()) == total
    assert min(parts.values()) >= 0


@settings(deadline=None, max_examples=60)
@given(images=st.integers(4, 60), identities=st.integers(1, 40), seed=st.integers(0, 99))
def test_everybody_appears_often_enough_and_once_an_image(images, identities, seed):
    try:
        specs = plan(images, identities, seed, first=7)
    except RecipeError:
        assert 2 * MIN_APPEARANCES * identities > 2 * images
        return
    seen = Counter(i for spec in specs for i in spec.identities)
    assert set(seen) == set(range(7, 7 + identities))
    assert min(seen.values()) >= MIN_APPEARANCES
    assert all(len(set(spec.identities)) == len(spec.identities) <= 4 for spec in specs)
    assert [spec.index for spec in specs] == list(range(10, 10 + images))
    assert all(0 <= spec.camera < 6 and 0 <= spec.strangers <= 2 for spec in specs)


def test_usual_size_gives_five_to_eight_appearances():
    seen = Counter(i for spec in plan(217, 100) for i in spec.identities)
    assert min(seen.values()) >= 4
    assert max(seen.values()) <= 9


@pytest.mark.parametrize(
    ('images', 'identities', 'message'),
    [
        (10, 100, "10 images are too few for 100 identities in 'train'"),
        (1, 1, '1 images are too few'),
        (10, 0, "'train' has no identities; increase --identities"),
    ],
)
def test_impossible_sizes_are_refused(images, identities, message):
    with pytest.raises(RecipeError, match=message):
        plan(images, identities)
