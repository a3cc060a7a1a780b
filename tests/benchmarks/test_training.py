from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from mmps.benchmarks import Settings, Work, measure_detection_steps, measure_reid_steps, training
from mmps.benchmarks.training import (
    OURS,
    PLAIN,
    cached_batches,
    detection_jobs,
    reid_jobs,
    step_job,
)

SETTINGS = Settings(size=128, repeats=2)
WORK = Work(batch=2, people=3, identities=3, shots=2)


def test_both_detectors_start_equal_and_see_the_same(configs):
    jobs = detection_jobs(configs['J3'], SETTINGS, WORK)
    for _ in range(2):
        ours, plain = (jobs[name]() for name in (OURS, PLAIN))
        assert ours.keys() == plain.keys()
        for key, value in ours.items():
            torch.testing.assert_close(value, plain[key])
    assert ours['loss_bbox'] > 0


def test_ratio_of_phase_1_is_that_of_pairs(clock, monkeypatch):
    jobs = {OURS: clock.job(9, 1, 2, 4), PLAIN: clock.job(1, 2, 2, 2)}
    monkeypatch.setattr(training, 'detection_jobs', lambda *_: jobs)
    rounds = []
    settings = Settings(repeats=3, clock=clock)
    found = measure_detection_steps('', settings, WORK, lambda: rounds.append(1))
    assert len(rounds) == 4
    assert (found['batch'], found['people']) == (2, 3)
    assert found['steps_per_second'][OURS].median == pytest.approx(0.5)
    assert found['steps_per_second'][PLAIN].median == pytest.approx(0.5)
    assert found['ratio'].median == pytest.approx(1.0)
    assert found['ratio'].high == pytest.approx(1.5)


def test_phase_1_is_measured(configs):
    found = measure_detection_steps(configs['J3'], SETTINGS, WORK)
    assert set(found['steps_per_second']) == {OURS, PLAIN}
    assert all(rate.low > 0 for rate in found['steps_per_second'].values())
    assert found['ratio'].low > 0


def test_phase_2_is_measured(configs):
    (row,) = measure_reid_steps({'J3': configs['J3']}, SETTINGS, WORK)
    assert (row['variant'], row['boxes']) == ('J3', 6)
    assert row['steps_per_second'].low > 0


def test_steps_of_phase_2_change_the_branch_alone(configs, monkeypatch):
    models = []

    def caught(model, *args):
        models.append(model)
        return step_job(model, *args)

    monkeypatch.setattr(training, 'step_job', caught)
    with reid_jobs({'J3': configs['J3']}, SETTINGS, WORK) as jobs:
        before = copy.deepcopy(models[0].state_dict())
        losses = [jobs['J3']()['loss_triplet'].item() for _ in range(3)]
    assert max(losses) > 0
    changed = {k for k, v in models[0].state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(name.startswith('reid_branch.') for name in changed)


def test_batches_have_identities_in_shots_and_do_not_end(tmp_path):
    batches = cached_batches(tmp_path / 'rows.npy', (4, 2, 1), WORK)
    for _ in range(5):
        batch = next(batches)
        assert batch['pooled'].shape == (6, 4, 2, 1)
        _, counts = np.unique(batch['person_ids'], return_counts=True)
        assert counts.tolist() == [2, 2, 2]
