from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_url

from mmps.apis import running
from mmps.apis.running import (
    load_config,
    resume_from,
    tell_user_errors,
)
from mmps.checkpoints.publishing import publish
from mmps.checkpoints.test_notes import find_calibration
from mmps.structures import ConfigError, DataError, UserError
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
    running.test_config(test, checkpoint)
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


def test_resume_takes_the_newest_whole_checkpoint(config, tmp_path, capsys):
    resume_from(config, 'auto')
    assert config.get('resume') is None
    assert 'starting anew' in capsys.readouterr().out
    for epoch in (2, 9, 10):
        torch.save({'epoch': epoch}, tmp_path / f'epoch_{epoch}.pth')
    newest = tmp_path / 'epoch_10.pth'
    resume_from(config, 'auto')
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
        running.test_config(config, tmp_path / checkpoint, out)


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
    monkeypatch.setattr(running, 'get_device', lambda: 'cpu')
    sentence = f'--launcher {launcher} needs a GPU .*: start processes on the CPU with tools/dist_'
    with pytest.raises(ConfigError, match=sentence):
        running.train_config(config)
    monkeypatch.setattr(running, 'get_device', lambda: 'npu')
    running.use_gloo_without_cuda(config)
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
    running.test_config(config, tmp_path / 'a.pth', fast=fast)
    assert built == [others + [{'type': 'mmps.FastTestHook'}] * fast]


def test_user_errors_are_one_sentence_and_others_stay_errors(capsys):
    def fail():
        raise DataError('Traceback of a worker\n  File "x"\nmmps.DataError: a.jpg is broken')

    assert tell_user_errors(fail) == 2
    assert capsys.readouterr().err == 'error: a.jpg is broken\n'
    best = lambda: CheckpointHook(save_best='det/AP', interval=1)  # noqa: E731
    assert tell_user_errors(best) == 2
    assert "Add rule='greater' beside `save_best` in the config." in capsys.readouterr().err

    def other():
        raise ValueError('something else')

    with pytest.raises(ValueError, match='something else'):
        tell_user_errors(other)
    assert tell_user_errors(lambda: None) == 0
    with pytest.raises(ZeroDivisionError):
        tell_user_errors(lambda: 1 / 0)


@pytest.mark.parametrize('content', [b'<html>Quota</html>', b'PK\x03\x04 and an end', None])
def test_a_download_that_is_no_checkpoint_is_told(tmp_path, capsys, content):
    if content is None:
        torch.save({'a': Path('x')}, tmp_path / 'a.pth')
    else:
        (tmp_path / 'a.pth').write_bytes(content)
    download = lambda: load_url((tmp_path / 'a.pth').as_uri(), str(tmp_path / 'hub'))  # noqa: E731
    assert tell_user_errors(download) == 2
    told = capsys.readouterr().err
    assert 'cannot be read: it' in told
    assert 'weights_only' not in told
    assert told.splitlines()[-1].startswith('error: a checkpoint that the config names')

    def other():
        raise RuntimeError('CUDA out of memory')

    with pytest.raises(RuntimeError, match='CUDA'):
        tell_user_errors(other)
