from __future__ import annotations

import os

import pytest
import torch

from mmps.apis import gpu
from mmps.apis.gpu import check_gpu, hide_gpu_without_operators
from mmps.structures import ConfigError


@pytest.mark.parametrize(
    ('there', 'operators', 'fits'),
    [(True, True, True), (True, False, False), (False, False, True)],
    ids=['built for it', 'not built for it', 'no GPU'],
)
def test_a_gpu_without_operators_is_refused(monkeypatch, there, operators, fits):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: there)
    version = '12.4' if operators else 'not available'
    monkeypatch.setattr(gpu, 'get_compiling_cuda_version', lambda: version)
    if fits:
        check_gpu()
        return
    with pytest.raises(ConfigError, match=r'without operators for this GPU: build .* --gpu`, or'):
        check_gpu()


@pytest.mark.parametrize(
    ('before', 'operators', 'after'),
    [(None, False, ''), ('0', False, ''), ('', False, ''), (None, True, None), ('0', True, '0')],
)
def test_it_is_hidden_only_without_operators(monkeypatch, before, operators, after):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if before is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', before)
    version = '12.4' if operators else 'not available'
    monkeypatch.setattr(gpu, 'get_compiling_cuda_version', lambda: version)
    hide_gpu_without_operators()
    assert os.environ.get('CUDA_VISIBLE_DEVICES') == after


@pytest.mark.parametrize('seen', [True, False])
def test_hiding_is_told_where_there_is_something_to_hide(monkeypatch, recwarn, seen):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0')
    monkeypatch.setattr(gpu, 'get_compiling_cuda_version', lambda: 'not available')
    monkeypatch.setattr(os.path, 'exists', lambda path: seen)
    hide_gpu_without_operators()
    told = ['mmcv has no operators for the GPU: the CPU is used'] if seen else []
    assert [str(warning.message) for warning in recwarn] == told
