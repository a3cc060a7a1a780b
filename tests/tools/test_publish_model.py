import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmps.checkpoints.notes import CheckpointTest

CFG = "test_evaluator = dict(ann_file='test.json')"
SCRIPT = Path(__file__).parents[2] / 'tools' / 'misc' / 'publish_model.py'


@pytest.fixture
def publish(run_tool):
    return lambda *arguments: run_tool(SCRIPT, *arguments)


@pytest.fixture
def checkpoint(tmp_path):
    """As MMEngine saves it: with objects, numbers of NumPy, and a view of a large tensor."""
    large = torch.arange(1000.0)
    content = {
        'meta': {
            'cfg': CFG,
            'epoch': 5,
            'iter': np.int64(24),
            'dataset_meta': {'classes': ('person',), 'palette': np.array([[1, 2, 3]])},
            'experiment_name': 'x',
        },
        'state_dict': {'a.weight': large[:3], 'a.steps': torch.tensor(3)},
        'message_hub': {'log_scalars': {'train/loss': HistoryBuffer([1.0], [1])}},
        'optimizer': {'state': {0: {'momentum_buffer': torch.ones(3)}}},
    }
    path = tmp_path / 'run' / 'epoch_5.pth'
    path.parent.mkdir()
    torch.save(content, path)
    return path


def leave_calibration(checkpoint, ann_file):
    """Do what a test does."""
    tested = CheckpointTest(checkpoint, 'config', ann_file)
    tested.folder.mkdir(parents=True)
    (tested.folder / 'calibration.json').write_text('{}')
    tested.end()
    return tested.folder


STOCK = """
import json, sys, torch
content = torch.load(sys.argv[1], weights_only=True)
assert not any(name.split('.')[0] in ('mmps', 'mmengine') for name in sys.modules)
weights = {key: value.tolist() for key, value in content.pop('state_dict').items()}
print(json.dumps([weights, content]))
"""


def test_stock_torch_reads_what_is_published(publish, checkpoint, tmp_path):
    folder = leave_calibration(checkpoint, 'test.json')
    (folder / 'calibration.json').write_text(json.dumps({'pairs': {'same': 4}}))
    done = publish(checkpoint, '--out-dir', tmp_path / 'out')
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / 'out').iterdir()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'run_epoch_5-{digest[:8]}.pth'
    assert path.stat().st_size < 4000
    assert str(path) in done.stdout
    command = [sys.executable, '-c', STOCK, str(path)]
    read = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    weights, rest = json.loads(read.stdout)
    assert weights == {'a.weight': [0.0, 1.0, 2.0], 'a.steps': 3}
    meta = rest.pop('meta')
    assert not rest
    assert meta['cfg'] == CFG
    assert (meta['epoch'], meta['iter']) == (5, 24)
    assert meta['dataset_meta'] == {'classes': ['person'], 'palette': [[1, 2, 3]]}
    assert meta['calibration'] == {'pairs': {'same': 4}}


def test_the_same_checkpoint_gives_the_same_file_beside_it(publish, checkpoint):
    assert publish(checkpoint).returncode == 0
    assert publish(checkpoint).returncode == 0
    assert len(list(checkpoint.parent.glob('*.pth'))) == 2


def test_a_calibration_that_does_not_fit_is_left_out_and_told(publish, checkpoint):
    leave_calibration(checkpoint, 'elsewhere.json')
    done = publish(checkpoint)
    assert done.returncode == 0
    assert 'config is of elsewhere.json, which is not the test set' in done.stdout + done.stderr
    (path,) = set(checkpoint.parent.glob('*.pth')) - {checkpoint}
    assert 'calibration' not in torch.load(path, weights_only=True)['meta']


def not_there(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:500])


def empty(path):
    path.write_bytes(b'')


class Evil:
    def __reduce__(self):
        return os.system, ('touch evil_was_here',)


def evil(path):
    path.write_bytes(pickle.dumps({'state_dict': Evil()}))


def bare(path):
    torch.save({'a.weight': torch.ones(1)}, path)


def bad_calibration(path):
    (leave_calibration(path, 'test.json') / 'calibration.json').write_text('{')


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        (not_there, 'does not exist; give a checkpoint'),
        (cut, 'cannot be read as a checkpoint: it is cut short; train or download it again'),
        (empty, 'cannot be read as a checkpoint: it is empty; train or download it again'),
        (evil, 'cannot be read as a checkpoint: it '),
        (bare, 'has no `state_dict`: it is no checkpoint of a training'),
        (bad_calibration, 'evaluate again, or remove it'),
    ],
)
def test_wrong_input_ends_in_one_sentence(publish, checkpoint, damage, sentence):
    damage(checkpoint)
    done = publish(checkpoint)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    assert sentence in done.stderr.splitlines()[-1]
    assert not Path('evil_was_here').exists()
