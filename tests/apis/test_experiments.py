from __future__ import annotations

import json
from itertools import chain

import pytest
import torch

from mmps.apis import experiments
from mmps.apis.experiments import (
    Experiment,
    Run,
    Step,
    data_options,
    mean_and_spread,
    reid_options,
)
from mmps.apis.machine import describe_commit
from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run


class Work:
    """Notes which steps are done."""

    def __init__(self):
        self.done = []

    def step(self, name, needs=(), result=None, **fields):
        def work():
            self.done.append(name)
            return result() if callable(result) else result

        return Step(name, name, work, needs, **fields)


@pytest.fixture
def work():
    return Work()


def tree(work):
    """Data, a detector, and two ends on it."""
    return [
        work.step('data', expected=10),
        work.step('phase1', ['data'], expected=100),
        work.step('j2', ['phase1'], {'mAP': 0.5}, expected=20),
        work.step('j3', ['phase1'], {'mAP': 0.4}, expected=20),
    ]


def test_a_step_is_done_once(work, tmp_path):
    seen = []
    for _ in range(2):
        experiment = Experiment(tmp_path, tree(work))
        results = experiment.run(on_step=lambda step, done: seen.append((step.name, done)))
        assert results['j2'] == {'mAP': 0.5}
        assert experiment.seconds().keys() == experiment.steps.keys()
    assert work.done == ['data', 'phase1', 'j2', 'j3']
    assert [name for name, _ in seen] == 2 * work.done
    assert [done for _, done in seen] == [False] * 4 + [True] * 4
    assert not experiment.pending()


def test_a_step_that_is_killed_is_done_again_and_no_other(work, tmp_path):
    def kill():
        raise KeyboardInterrupt

    steps = tree(work)
    steps[2] = work.step('j2', ['phase1'], kill)
    with pytest.raises(KeyboardInterrupt):
        Experiment(tmp_path, steps).run()
    Experiment(tmp_path, tree(work)).run()
    assert work.done == ['data', 'phase1', 'j2', 'j2', 'j3']


def test_chosen_steps_come_with_what_they_need(work, tmp_path):
    experiment = Experiment(tmp_path, tree(work))
    assert experiment.run(['j3']).keys() == {'data', 'phase1', 'j3'}
    assert [step.name for step in experiment.pending()] == ['j2']
    with pytest.raises(KeyError):
        experiment.run(['j9'])
    with pytest.raises(ConfigError, match='step j2 is not done'):
        experiment.record('j2')


def test_shards_cover_all_ends_once(work, tmp_path):
    ends = [work.step(f'end{k}', ['phase1']) for k in range(5)]
    experiment = Experiment(tmp_path, [*tree(work)[:2], *ends])
    shards = [experiment.shard(index, 3) for index in (1, 2, 3)]
    assert list(chain(*shards)) == [f'end{k}' for k in range(5)]  # neighbours stay together
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    with pytest.raises(ConfigError, match='shard 0/3'):
        experiment.shard(0, 3)


def test_no_step_begins_that_exceeds_the_budget(work, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(experiments.time, 'monotonic', lambda: clock[0])

    def takes(seconds):
        return lambda: clock.append(clock.pop() + seconds)

    plan = [('data', [], 10), ('phase1', ['data'], 100), ('j2', ['phase1'], 20), ('other', [], 25)]
    steps = [work.step(n, needs, takes(s), expected=s) for n, needs, s in plan]
    assert Experiment(tmp_path, steps).run(budget=40).keys() == {'data', 'other'}
    assert Experiment(tmp_path, steps).run(budget=200).keys() == {'data', 'phase1', 'j2', 'other'}
    assert work.done == ['data', 'other', 'phase1', 'j2']


def test_estimates_follow_the_pace_of_finished_steps(work, tmp_path):
    steps = [work.step('data', expected=540), work.step('phase1', ['data'], expected=100)]
    experiment = Experiment(tmp_path, [*steps, work.step('table', ['phase1'])])
    assert experiment.pace() == 1
    assert experiment.remaining() == 640
    experiment.run(['data'])
    path = tmp_path / 'data.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'seconds': 1140.0}))
    assert experiment.pace() == pytest.approx(2)
    assert experiment.remaining() == pytest.approx(200)
    assert experiment.run(budget=150).keys() == {'data'}  # phase 1 would take 200
    assert experiment.run(budget=250).keys() == {'data', 'phase1', 'table'}


@pytest.mark.parametrize('names', [['a', 'a'], ['a', 'b']])
def test_a_plan_that_cannot_be_done_is_refused(work, tmp_path, names):
    steps = [work.step(names[0], ['b'] if 'b' in names else ()), work.step(names[1])]
    with pytest.raises(ValueError, match='twice, or needs what comes later'):
        Experiment(tmp_path, steps)


def test_a_result_says_what_it_depends_on(work, tmp_path):
    run = Run(tmp_path / 'config.py', tmp_path / 'run', {'a.b': tmp_path}, seed=3)
    experiment = Experiment(tmp_path, [work.step('j2', about=run.about())])
    experiment.run()
    record = json.loads((tmp_path / 'j2.json').read_text())
    assert record['about'] == {
        'config': str(run.config), 'options': {'a.b': str(tmp_path)}, 'seed': 3,
    }  # fmt: skip
    assert record['machine'].keys() == {'date', 'machine', 'versions'}
    assert record['commit'] == describe_commit()
    (tmp_path / 'j2.json').write_text('{"seconds": 1}')
    with pytest.raises(ConfigError, match=r'j2.json is broken.*remove it'):
        experiment.run()


def test_a_run_points_its_config_at_data_and_detector(drawn_once, tmp_path):
    tiny_run(drawn_once, tmp_path).dump(tmp_path / 'config.py')
    options = {**data_options('elsewhere'), **reid_options('detector.pth', 'cache')}
    run = Run(tmp_path / 'config.py', tmp_path / 'run', options, seed=5)
    config, again = run.load(), run.load()
    loaders = [config[f'{part}_dataloader'] for part in ('train', 'val', 'test')]
    roots = [part.dataset.data_root for part in (*loaders, config.cached_people)]
    assert roots == ['elsewhere'] * 4
    assert config.randomness.seed == 5
    assert config.load_from == 'detector.pth'
    assert config.default_hooks.two_phase.cache_dir == 'cache'
    assert config.experiment_name != again.experiment_name
    assert run.checkpoint == tmp_path / 'run/epoch_5.pth'


@pytest.mark.slow
def test_a_run_is_trained_continued_and_tested(drawn_once, tmp_path):
    tiny_run(drawn_once, tmp_path, train_cfg__val_interval=5).dump(tmp_path / 'config.py')
    run = Run(tmp_path / 'config.py', tmp_path / 'run')
    metrics = run.train()
    whole = torch.load(run.checkpoint)['state_dict']
    assert run.evaluate(run.checkpoint, tmp_path / 'out.npz') == pytest.approx(metrics)
    assert (tmp_path / 'out.npz').exists()
    run.checkpoint.unlink()
    (run.work_dir / 'last_checkpoint').write_text(str(run.work_dir / 'epoch_4.pth'))
    run.train()
    resumed = torch.load(run.checkpoint)['state_dict']
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_mean_and_spread_are_those_of_a_sample():
    assert mean_and_spread([1.0, 2.0, 4.5]) == '2.5 ± 1.8'
    assert mean_and_spread([10, 20], 0) == '15 ± 7'
