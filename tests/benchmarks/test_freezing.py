from __future__ import annotations

from mmengine.config import Config

from mmps.benchmarks import freezing
from mmps.benchmarks.freezing import freezing_table, measure_freezing


def test_steps_of_phase_1_are_timed(configs, tmp_path, monkeypatch):
    monkeypatch.setattr(freezing, 'SIZE', 128)
    config = Config.fromfile(configs['J3'])
    config.optim_wrapper = {'optimizer': {'type': 'SGD', 'lr': 1e-3}}
    config.dump(tmp_path / 'config.py')
    found = measure_freezing(str(tmp_path / 'config.py'), 1, batch=1, repeats=1, threads=1)
    assert found['seconds'] > 0
    assert found['bytes'] > 2**25


def test_the_table_shows_medians_and_spread():
    rounds = [{'seconds': s, 'bytes': b * 1e9} for s, b in ((1, 3), (4, 1), (2, 2))]
    last = freezing_table({-1: rounds}).splitlines()[-1]
    assert last == '| -1 | 2.00 (1.00 to 4.00) | 2.00 |'
