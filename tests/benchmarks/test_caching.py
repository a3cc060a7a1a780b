from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from mmps.benchmarks import Settings, Work, build_variant, caching, measure_cache
from mmps.benchmarks.caching import CACHE, HAND, cache_jobs

SETTINGS = Settings(size=96, repeats=2)
WORK = Work(batch=2, people=3, images=5)


def test_what_is_cached_is_what_is_pooled_by_hand(configs):
    model = build_variant('J3', configs['J3'], 'cpu').model
    with cache_jobs(model, SETTINGS, WORK) as (jobs, boxes):
        pooled = torch.cat(jobs[HAND]()).numpy()
        first, again = jobs[CACHE](), jobs[CACHE]()
        assert first.folder != again.folder
        stored = np.concatenate(first.open())[:, 0]
    assert boxes == 15
    assert pooled.shape == stored.shape == (15, *model.pooled_shape)
    assert pooled.std() > 0.01
    np.testing.assert_allclose(stored, pooled, rtol=2e-3, atol=1e-4)


def test_the_share_is_that_of_pairs(configs, clock, monkeypatch):
    @contextmanager
    def jobs(*_):
        yield {CACHE: clock.job(9, 2, 4, 8), HAND: clock.job(9, 1, 3, 2)}, 12

    monkeypatch.setattr(caching, 'cache_jobs', jobs)
    settings = Settings(repeats=3, clock=clock)
    (row,) = measure_cache({'J3': configs['J3']}, settings, WORK)
    assert (row['variant'], row['images'], row['boxes']) == ('J3', 5, 12)
    assert row['boxes_per_second'][CACHE].median == pytest.approx(3.0)
    assert row['boxes_per_second'][HAND].median == pytest.approx(6.0)
    assert row['share'].median == pytest.approx(0.5)


def test_caching_is_measured(configs, capfd):
    (row,) = measure_cache({'J3': configs['J3']}, SETTINGS, WORK)
    assert row['boxes'] == 15
    assert row['share'].low > 0
    assert 'Features' not in capfd.readouterr().err
