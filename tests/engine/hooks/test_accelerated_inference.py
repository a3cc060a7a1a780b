from __future__ import annotations

import pytest
import torch
from mmengine.runner import Runner
from torch import nn

from mmps.testing.runs import tiny_run

EMA = {'type': 'EMAHook', 'momentum': 0.3}


class Normalisations:
    """Counts the normalisation layers of the models that a run tests with."""

    def __init__(self, runner):
        self.seen = []
        original = runner.test_loop.run_iter

        def run_iter(*args):
            self.seen.append(sum(isinstance(m, nn.BatchNorm2d) for m in runner.model.modules()))
            return original(*args)

        runner.test_loop.run_iter = run_iter


def outcome(config):
    """A run's results, what it tested with, and its weights before and after."""
    runner = Runner.from_cfg(config)
    torch.manual_seed(1)
    for layer in runner.model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    before = {key: value.clone() for key, value in runner.model.state_dict().items()}
    watch = Normalisations(runner)
    return runner.test(), set(watch.seen), before, runner.model.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize('others', [[], [EMA]], ids=['alone', 'with averages'])
def test_results_are_the_same_and_the_model_stays_as_it_was(drawn_set, tmp_path, others):
    plain, seen, _, _ = outcome(tiny_run(drawn_set, tmp_path / 'plain', custom_hooks=others))
    assert min(seen) > 0
    hooks = [{'type': 'mmps.FastTestHook'}, *others]
    fast, seen, before, after = outcome(tiny_run(drawn_set, tmp_path / 'fast', custom_hooks=hooks))
    assert seen == {0}
    assert fast == pytest.approx(plain, abs=0.02)
    assert plain['gt/mAP'] > 0
    assert before.keys() == after.keys()
    for key, value in before.items():
        torch.testing.assert_close(after[key], value, rtol=0, atol=0)


@pytest.mark.slow
def test_what_is_not_folded_is_named(drawn_set, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'mmps.engine.hooks.accelerated_inference.fold_normalisation', lambda model: ['neck']
    )
    hooks = [{'type': 'mmps.FastTestHook'}]
    config = tiny_run(drawn_set, tmp_path, custom_hooks=hooks, log_level='WARNING')
    Runner.from_cfg(config).test()
    (log,) = tmp_path.glob('*/*.log')
    assert log.read_text().count('--fast leaves the neck unchanged') == 1
