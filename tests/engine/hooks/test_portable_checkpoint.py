from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from mmps.testing.differences import compare
from mmps.testing.runs import tiny_run, train

STOCK = """
import sys, torch
for path in sys.argv[1:]:
    assert 'state_dict' in torch.load(path, weights_only=True)
assert 'mmps' not in sys.modules
"""
CHANGES = {
    'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.1}],
    'param_scheduler': [{'type': 'OneCycleLR', 'eta_max': 0.01, 'total_steps': 2, 'end': 2}],
    'train_cfg__val_interval': 5,
    'default_hooks__checkpoint__save_best': 'det/AP',
    'default_hooks__checkpoint__rule': 'greater',
}


def run(data, folder, **changes):
    """A run with averages, a schedule that keeps functions, and a best checkpoint."""
    train(tiny_run(data, folder, **CHANGES, **changes))


@pytest.fixture(scope='module')
def whole(drawn_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    run(drawn_once, folder)
    return folder


@pytest.fixture(scope='module')
def of_mmengine(drawn_once, tmp_path_factory):
    """The same, whose checkpoints are as MMEngine writes them."""
    folder = tmp_path_factory.mktemp('of_mmengine')
    run(drawn_once, folder, default_hooks__portable_checkpoint={'type': 'EmptyCacheHook'})
    return folder


def is_read_by_stock_torch(*files):
    command = [sys.executable, '-c', STOCK, *map(str, files)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def losses(folder):
    lines = [line for f in sorted(folder.glob('*/vis_data/scalars.json'))
             for line in f.read_text().splitlines()]  # fmt: skip
    return [(e['step'], e['loss']) for e in map(json.loads, lines) if 'loss' in e]


@pytest.mark.slow
def test_stock_torch_reads_every_checkpoint_of_a_run(whole, of_mmengine):
    files = list(whole.glob('*.pth'))
    assert len(files) == 7  # five epochs, the best, the detector
    assert is_read_by_stock_torch(*files)
    assert not is_read_by_stock_torch(of_mmengine / 'epoch_1.pth')


@pytest.mark.slow
@pytest.mark.parametrize('begun', ['whole', 'of_mmengine'])
@pytest.mark.parametrize('epoch', [1, 3])
def test_a_run_resumes_to_the_bit_from_either_kind(
    request, whole, drawn_once, tmp_path, begun, epoch
):
    begun = request.getfixturevalue(begun)
    shutil.copy(begun / f'epoch_{epoch}.pth', tmp_path)
    run(drawn_once, tmp_path, resume=True)
    assert compare(whole / 'epoch_5.pth', tmp_path / 'epoch_5.pth') == []
    logged = losses(tmp_path)
    assert logged == losses(whole)[-len(logged) :]
    assert len(logged) > 1
