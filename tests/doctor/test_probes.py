"""What imports and computes wrongly fails its probe; that healthy parts pass is tried elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys

import cv2
import mmcv.ops
import numpy as np
import pytest
import torch

from mmps.doctor import probes


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


@pytest.mark.parametrize(
    ('name', 'version'),
    [('numpy', np.__version__), ('opencv', cv2.__version__), ('rich', 'works')],
)
def test_a_part_that_imports(name, version):
    assert probes.probe_modules(name) == {'version': version}


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
