"""What imports and computes wrongly fails its probe; that healthy parts pass is tried elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys

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


@pytest.mark.parametrize(
    ('fault', 'wrong'),
    [
        (lambda found: found, []),
        (lambda found: found + 2.5, ['bfloat16', 'float16']),
        (lambda found: found * float('nan'), ['bfloat16', 'float16']),
        (lambda found: found if found.dtype == torch.float16 else 0 * found, ['bfloat16']),
    ],
    ids=['right', 'off', 'nan', 'one type'],
)
def test_half_precision_with_wrong_values(monkeypatch, fault, wrong):
    def convolve(maps, *arguments):  # right on any processor, then the fault
        found = convolution(
            maps.float(), *(a if a is None or isinstance(a, int) else a.float() for a in arguments)
        )
        return found.double() if maps.dtype == torch.float64 else fault(found.to(maps.dtype))

    convolution = torch.conv2d
    monkeypatch.setattr(torch, 'conv2d', convolve)
    assert probes.probe_precision() == {'wrong': wrong}


def test_operators_that_fail_on_the_gpu_alone_are_told_not_raised(monkeypatch):
    def check(device):
        if device.type == 'cuda':
            raise RuntimeError('implementation for device cuda:0 not found')

    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(probes, '_check_ops', check)
    found = probes.probe_ops()
    assert found['gpu'] is False
    assert found['gpu_error'] == 'implementation for device cuda:0 not found'


@pytest.mark.parametrize('name', ['numpy', 'torch', 'mmengine'])
def test_what_an_uninstalled_package_left_behind_is_no_package(tmp_path, name):
    (tmp_path / name / 'sub' / '__pycache__').mkdir(parents=True)
    command = [sys.executable, '-S', probes.__file__, name]  # without what is installed
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named '{name}'"
