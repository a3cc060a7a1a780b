from __future__ import annotations

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmps.apis import running
from mmps.apis.running import (
    check_option_keys,
    check_top_level_keys,
    load_config,
    resume_from,
    tell_user_errors,
)
from mmps.structures import ConfigError, DataError
from mmps.testing.runs import tiny_run

OURS = {'type': 'mmps.PersonSearchMetric', 'ann_file': 'test.json'}


def details(evaluator, checkpoint):
    config = Config({'test_evaluator': evaluator})
    running.keep_details_beside(config, checkpoint)
    found = config.test_evaluator
    found = found if isinstance(found, list) else [found]
    return [single.get('details') for single in found]


def test_details_go_beside_the_checkpoint(tmp_path):
    checkpoint = tmp_path / 'epoch_3.pth'
    assert details(OURS, checkpoint) == [str(tmp_path)]
    plain = {'type': 'CocoMetric'}
    assert details([plain, OURS], checkpoint) == [None, str(tmp_path)]


def test_a_configured_place_is_kept(tmp_path):
    assert details({**OURS, 'details': 'here'}, tmp_path / 'a.pth') == ['here']
    assert details({**OURS, 'details': None}, tmp_path / 'a.pth') == [None]


@pytest.mark.parametrize('checkpoint', ['https://host/a.pth', '/nonexistent/folder/a.pth'])
def test_nothing_is_written_where_nothing_can_be(checkpoint):
    assert details(OURS, checkpoint) == [None]


@pytest.mark.slow
def test_a_test_run_leaves_calibration_and_queries_beside_the_checkpoint(drawn_set, tmp_path):
    config = tiny_run(drawn_set, tmp_path / 'run', launcher='none')
    checkpoint = tmp_path / 'saved/start.pth'
    checkpoint.parent.mkdir()
    torch.save({'state_dict': Runner.from_cfg(config).model.state_dict()}, checkpoint)
    running.test_config(tiny_run(drawn_set, tmp_path / 'test', launcher='none'), checkpoint)
    calibration = json.loads((tmp_path / 'saved/calibration.json').read_text())
    assert calibration['pairs']['other'] > 0
    rows = (tmp_path / 'saved/queries.csv').read_text().splitlines()
    content = json.loads((drawn_set / 'mmps/test.json').read_text())
    assert len(rows) == 1 + 2 * len(content['queries'])  # detected and annotated boxes


@pytest.fixture
def config(tmp_path):
    return Config({'work_dir': str(tmp_path), 'optim_wrapper': {'optimizer': {'lr': 1}}})


def test_options_and_folders_are_applied(tmp_path):
    path = tmp_path / 'my_config.py'
    path.write_text('optim_wrapper = dict(optimizer=dict(lr=1))\n')
    config = load_config(str(path), None, {'optim_wrapper.optimizer.lr': 2})
    assert config.optim_wrapper.optimizer.lr == 2
    assert config.work_dir.endswith('my_config')
    assert load_config(str(path), 'elsewhere', None).work_dir == 'elsewhere'


def test_misspelt_keys_are_refused_and_new_ones_allowed(config):
    with pytest.raises(ConfigError, match=r"'optimiser'; did you mean 'optimizer'\?"):
        check_option_keys(config, {'optim_wrapper.optimiser.lr': 2})
    check_option_keys(config, {'optim_wrapper.clip_grad.max_norm': 2, 'load_from': 'x.pth'})
    config.train_dataloder = {}
    with pytest.raises(ConfigError, match=r"'train_dataloder'; did you mean 'train_dataloader'\?"):
        check_top_level_keys(config)


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


def test_wrong_paths_of_a_test_are_told(config, tmp_path):
    with pytest.raises(ConfigError, match=r'none.pth does not exist; give a checkpoint'):
        running.test_config(config, 'none.pth')
    torch.save({}, tmp_path / 'a.pth')
    with pytest.raises(ConfigError, match=r'--out predictions.pkl must end in .npz'):
        running.test_config(config, tmp_path / 'a.pth', 'predictions.pkl')


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
    torch.save({}, tmp_path / 'a.pth')
    config.custom_hooks, config.test_evaluator = others, {'type': 'CocoMetric'}
    running.test_config(config, tmp_path / 'a.pth', fast=fast)
    assert built == [others + [{'type': 'mmps.FastTestHook'}] * fast]


def test_user_errors_are_one_sentence_and_others_stay_errors(capsys):
    def fail():
        raise DataError('Traceback of a worker\n  File "x"\nmmps.DataError: a.jpg is broken')

    assert tell_user_errors(fail) == 2
    assert capsys.readouterr().err == 'error: a.jpg is broken\n'
    assert tell_user_errors(lambda: None) == 0
    with pytest.raises(ZeroDivisionError):
        tell_user_errors(lambda: 1 / 0)
