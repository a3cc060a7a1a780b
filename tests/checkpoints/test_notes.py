from __future__ import annotations

import json
import os

import pytest
from mmengine.config import Config

from mmps.checkpoints.notes import CheckpointTest, ann_files, find_calibration
from mmps.structures import UserError

CFG = Config({'test_evaluator': {'type': 'X', 'ann_file': 'data/test.json'}}).pretty_text


@pytest.fixture
def checkpoint(tmp_path):
    (tmp_path / 'epoch_9.pth').write_bytes(b'weights')
    return tmp_path / 'epoch_9.pth'


def leave(checkpoint, threshold, config='own', ann_file='data/test.json'):
    """Do what a test does."""
    tested = CheckpointTest(checkpoint, config, ann_file)
    tested.begin()
    tested.folder.mkdir(parents=True, exist_ok=True)
    (tested.folder / 'calibration.json').write_text(json.dumps({'threshold': threshold}))
    tested.end()
    return tested


def test_the_calibration_of_these_weights_on_their_own_test_set_is_found(checkpoint):
    assert find_calibration(checkpoint, CFG) == (None, [])
    leave(checkpoint, 0.4)
    leave(checkpoint, 0.9, 'cross', 'elsewhere/test.json')
    assert find_calibration(checkpoint, CFG) == ({'threshold': 0.4}, [])
    tested = leave(checkpoint, 0.6, 'same_set', './data/test.json')
    os.utime(tested.folder / 'tested.json', (2e9, 2e9))
    assert find_calibration(checkpoint, CFG) == ({'threshold': 0.6}, [])  # the newest


def test_other_weights_have_other_calibrations(checkpoint):
    other = checkpoint.with_name('epoch_7.pth')
    other.write_bytes(b'others')
    leave(other, 0.9)
    assert find_calibration(checkpoint, CFG) == (None, [])
    leave(checkpoint, 0.4)
    checkpoint.write_bytes(b'trained again')
    found, (reason,) = find_calibration(checkpoint, CFG)
    assert found is None
    assert reason.endswith('own is of other weights')


@pytest.mark.parametrize('cfg', [CFG, '', 'test_evaluator = ', '(' * 5000], ids=range(4))
def test_another_test_set_is_named(checkpoint, cfg):
    leave(checkpoint, 0.9, 'cross', 'elsewhere/test.json')
    found, (reason,) = find_calibration(checkpoint, cfg)
    assert found is None
    assert 'cross is of elsewhere/test.json, which is not the test set of the check' in reason


def test_a_calibration_that_names_no_checkpoint_is_not_taken(checkpoint):
    checkpoint.with_name('calibration.json').write_text('{"threshold": 0.9}')
    found, (reason,) = find_calibration(checkpoint, CFG)
    assert found is None
    assert reason.endswith('calibration.json does not say of which checkpoint it is')


def test_a_test_that_was_cut_short_leaves_nothing_to_be_believed(checkpoint):
    tested = leave(checkpoint, 0.4)
    tested.begin()
    assert find_calibration(checkpoint, CFG) == (None, [])
    tested.end()  # of a bare detector, which has no similarities
    assert find_calibration(checkpoint, CFG) == (None, [])


@pytest.mark.parametrize('name', ['tested.json', 'calibration.json'])
@pytest.mark.parametrize(
    ('text', 'sentence'),
    [('{', 'json is no JSON (.*): evaluate again'), ('[]', 'holds something else: evaluate again')],
)
def test_a_broken_file_is_told(checkpoint, name, text, sentence):
    tested = leave(checkpoint, 0.4)
    (tested.folder / name).write_text(text)
    with pytest.raises(UserError, match=f'{name[:-5]}.*{sentence}, or remove it'):
        find_calibration(checkpoint, CFG)


def test_the_config_of_a_checkpoint_is_read_and_not_run(tmp_path):
    evaluators = [{'type': 'A', 'ann_file': 'a.json'}, {'odd key': 1, 'ann_file': 'b/../b.json'}]
    config = Config({'test_evaluator': evaluators, 'val_evaluator': {'ann_file': 'c.json'}})
    assert ann_files(config.pretty_text) == {'a.json', 'b.json'}
    dataset = {'data_root': 'data/x/', 'ann_file': 'd.json'}
    loader = {'test_dataloader': {'dataset': dataset}, 'train_dataloader': {'dataset': dataset}}
    assert ann_files(Config(loader).pretty_text) == {'data/x/d.json'}
    both = {'test_evaluator': {'ann_file': 'a.json'}, **loader}
    assert ann_files(Config(both).pretty_text) == {'a.json'}
    crafted = f'open({str(tmp_path / "run")!r}, "w")\ntest_evaluator = dict(ann_file=exit())\n'
    assert ann_files(crafted) == set()
    assert not (tmp_path / 'run').exists()
