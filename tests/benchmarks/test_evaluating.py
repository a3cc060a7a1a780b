from __future__ import annotations

import pytest

from mmps.benchmarks import Settings, Work, full_size, measure_evaluation


@pytest.fixture
def _small(monkeypatch):
    for name, value in (('CUHK_IMAGES', 60), ('CUHK_QUERIES', 8), ('CUHK_BOXES', 90)):
        monkeypatch.setattr(full_size, name, value)


@pytest.mark.usefixtures('_small')
def test_an_evaluation_is_measured_and_its_size_told():
    rounds = []
    found = measure_evaluation(Settings(repeats=2), Work(gallery_size=20), lambda: rounds.append(1))
    assert len(rounds) == 2
    assert found.pop('seconds').low > 0
    assert found == {'gallery_size': 20, 'images': 60, 'queries': 8, 'boxes': 360}
