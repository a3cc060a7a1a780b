from __future__ import annotations

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmps.apis import distributed, running
from mmps.apis.configs import load_config, resume_from
from mmps.checkpoints.notes import find_calibration
from mmps.checkpoints.publishing import publish
from mmps.structures import ConfigError, UserError
from mmps.testing.runs import tiny_run


@pytest.mark.slow
def test_what_a_test_run_leaves_is_published_with_these_weights_alone(drawn_set, tmp_path):
    config = tiny_run(drawn_set, tmp_path / 'run', launcher='none')
    checkpoint = tmp_path / 'saved/start.pth'
    checkpoint.parent.mkdir()
    content = {
        'meta': {'cfg': config.pretty_text},
        'state_dict': Runner.from_cfg(config).model.state_dict(),
    }
    torch.save(content, checkpoint)
    test = tiny_run(drawn_set, tmp_path / 'test', launcher='none')
    del test.test_evaluator.ann_file  # that of the data set takes its place
    running.evaluate_checkpoint(test, checkpoint)
    folder = tmp_path / 'saved/start_tested/config'
    calibration = json.loads((folder / 'calibration.json').read_text())
    assert calibration['pairs']['other'] > 0
    rows = (folder / 'queries.csv').read_text().splitlines()
    queries = json.loads((drawn_set / 'mmps/test.json').read_text())['queries']
    assert len(rows) == 1 + 2 * len(queries)  # detected and annotated boxes

    def published():
        return torch.load(publish(checkpoint, tmp_path / 'out'))['meta'].get('calibration')

    assert published() == calibration
    content['meta']['epoch'] = 1
    torch.save(content, checkpoint)
    assert published() is None
    _, reasons = find_calibration(checkpoint, config.pretty_text)
    assert reasons == [f'{folder} is of other weights']


@pytest.fixture
def config(tmp_path):
    test = {'test_dataloader': {}, 'test_cfg': {}, 'test_evaluator': {'type': 'CocoMetric'}}
    optim_wrapper = {'optimizer': {'lr': 1}}
    return Config({'work_dir': str(tmp_path), 'optim_wrapper': optim_wrapper, **test})


def test_options_and_folders_are_applied(tmp_path):
    path = tmp_path / 'my_config.py'
    path.write_text('optim_wrapper = dict(optimizer=dict(lr=1))\n')
    config = load_config(str(path), None, {'optim_wrapper.optimizer.lr': 2})
    assert config.optim_wrapper.optimizer.lr == 2
    assert config.work_dir.endswith('my_config')
    assert load_config(str(path), 'elsewhere', None).work_dir == 'elsewhere'


def test_resume_takes_the_newest_whole_checkpoint(config, tmp_path):
    assert resume_from(config, 'auto') is None
    assert config.get('resume') is None
    for epoch in (2, 9, 10):
        torch.save({'epoch': epoch}, tmp_path / f'epoch_{epoch}.pth')
    newest = tmp_path / 'epoch_10.pth'
    assert resume_from(config) == newest
    assert (config.resume, config.load_from) == (True, str(newest))
    newest.write_bytes(newest.read_bytes()[:-50])
    resume_from(config, 'auto')
    assert config.load_from == str(tmp_path / 'epoch_9.pth')
    with pytest.raises(ConfigError, match=r'--resume none.pth: no such file'):
        resume_from(config, 'none.pth')


@pytest.mark.parametrize(
    ('checkpoint', 'changes', 'out', 'sentence'),
    [
        ('none.pth', {}, None, 'none.pth does not exist; give a checkpoint'),
        ('cut.pth', {}, None, r'cut.pth cannot be read as a checkpoint: it is cut short; train'),
        ('a.pth', {'test_evaluator': None}, None, 'the config has nothing to test on: set test_ev'),
        ('a.pth', {}, 'predictions.pkl', r'--out predictions.pkl must end in .npz'),
        ('a.pth', {}, 'predictions.npz', 'which test_evaluator does not have: add it, or leave'),
    ],
)
def test_wrong_input_of_a_test_is_told_before_anything_is_built(
    config, tmp_path, checkpoint, changes, out, sentence
):
    torch.save({'a': torch.ones(2)}, tmp_path / 'a.pth')
    (tmp_path / 'cut.pth').write_bytes((tmp_path / 'a.pth').read_bytes()[:-60])
    config.merge_from_dict(changes)
    with pytest.raises(UserError, match=sentence):
        running.evaluate_checkpoint(config, tmp_path / checkpoint, out)


def test_a_checkpoint_to_train_from_is_looked_at_before_anything_is_built(
    config, tmp_path, monkeypatch
):
    def train(resume):
        config.resume = resume
        running.train_config(config)

    trained = []
    runner = type('Run', (), {'train': lambda self: trained.append(config.resume)})
    monkeypatch.setattr(running, 'Runner', type('Stand', (), {'from_cfg': lambda config: runner()}))
    config.launcher, config.load_from = 'none', str(tmp_path / 'typo.pth')
    for resume in (False, True):
        with pytest.raises(UserError, match=r'typo.pth does not exist; give a checkpoint'):
            train(resume)
    torch.save({'a': torch.ones(2)}, config.load_from)
    with pytest.raises(UserError, match='without the state of a training'):
        train(resume=True)
    assert not trained
    train(resume=False)
    config.load_from = None
    train(resume=True)
    assert trained == [False, True]


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_launchers_that_need_gpus_are_refused_without_one(config, monkeypatch, launcher):
    config.launcher = launcher
    monkeypatch.setattr(distributed, 'get_device', lambda: 'cpu')
    sentence = f'--launcher {launcher} needs a GPU .*: start processes on the CPU with tools/dist_'
    with pytest.raises(ConfigError, match=sentence):
        running.train_config(config)
    monkeypatch.setattr(distributed, 'get_device', lambda: 'npu')
    distributed.use_gloo_without_cuda(config)
    assert 'model_wrapper_cfg' not in config


@pytest.mark.parametrize('others', [[], [{'type': 'EMAHook'}]], ids=['alone', 'beside others'])
@pytest.mark.parametrize('fast', [False, True])
def test_a_fast_test_is_one_hook_more(config, tmp_path, monkeypatch, others, fast):
    built = []

    class Stand:
        @staticmethod
        def from_cfg(config):
            built.append(config.get('custom_hooks', []))
            return type('Run', (), {'test': lambda self: {}})()

    monkeypatch.setattr(running, 'Runner', Stand)
    monkeypatch.setattr(running, 'use_gloo_without_cuda', lambda config: None)
    torch.save({'a': torch.ones(2)}, tmp_path / 'a.pth')
    config.custom_hooks = others
    running.evaluate_checkpoint(config, tmp_path / 'a.pth', fast=fast)
    assert built == [others + [{'type': 'mmps.FastTestHook'}] * fast]
