"""What imports and computes wrongly fails its probe; that healthy parts pass is tried elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata

import cv2
import mmcv.ops
import numpy as np
import pytest
import torch

from mmps.doctor import probes


def test_wrong_sums(monkeypatch):
    assert probes.probe_numpy()['version'] == np.__version__
    monkeypatch.setattr(np, 'ones', np.zeros)
    with pytest.raises(RuntimeError, match='numpy computes wrong sums'):
        probes.probe_numpy()


def test_changed_pixels(monkeypatch):
    assert probes.probe_opencv()['version'] == cv2.__version__
    decode = cv2.imdecode
    monkeypatch.setattr(cv2, 'imdecode', lambda *arguments: decode(*arguments) + 1)
    with pytest.raises(RuntimeError, match='opencv changes the pixels of a PNG image'):
        probes.probe_opencv()


@pytest.mark.parametrize(
    ('name', 'wrong'),
    [
        ('roi_align', lambda *_: torch.zeros(1, 1, 2, 2)),
        ('nms', lambda *_: (None, torch.tensor([0, 1]))),
    ],
)
def test_operators_with_wrong_values(monkeypatch, name, wrong):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert probes.probe_ops()['gpu'] is False
    monkeypatch.setattr(mmcv.ops, name, wrong)
    with pytest.raises(RuntimeError, match='mmcv computes wrong values on cpu: '):
        probes.probe_ops()


def test_operators_that_fail_on_the_gpu_alone_are_told_not_raised(monkeypatch):
    def check(device):
        if device.type == 'cuda':
            raise RuntimeError('implementation for device cuda:0 not found')

    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(probes, '_check_ops', check)
    found = probes.probe_ops()
    assert found['gpu'] is False
    assert found['gpu_error'] == 'implementation for device cuda:0 not found'


def test_plain_packages():
    assert probes.probe_modules('wheel')['version'] == f'wheel {metadata.version("wheel")}'


def test_a_module_that_is_gone(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)
    with pytest.raises(ModuleNotFoundError, match='pkg_resources'):
        probes.probe_modules('setuptools')


def test_nothing_beside_the_probes_hides_a_package(tmp_path):
    """Python puts the folder of a script first."""
    folder = tmp_path / 'mmps' / 'doctor'
    folder.mkdir(parents=True)
    shutil.copy(probes.__file__, folder)
    (folder / 'wheel.py').write_text('raise RuntimeError')
    command = [sys.executable, str(folder / 'probes.py'), 'wheel']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
