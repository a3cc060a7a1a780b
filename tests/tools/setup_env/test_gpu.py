"""Whether MMCV gets operators for the GPU."""

from __future__ import annotations

import re

import pytest

GPU = {'name': 'GPU', 'memory': 1, 'architecture': '9.0'}
RELEASE = 'echo "Cuda compilation tools, release {}, V{}.1"'


@pytest.fixture(autouse=True)
def no_cuda(tool, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path / 'a bin'))
    monkeypatch.setattr(tool.gpu, 'USUAL_CUDA', tmp_path / 'usual')
    for name in ('CUDA_HOME', 'CUDA_PATH'):
        monkeypatch.delenv(name, raising=False)


def torch(*devices, cuda='13.0'):
    return {'version': '2.13.0', 'cuda': cuda, 'devices': list(devices)}


def nvcc(program, release='13.2', folder='a bin'):
    return program('nvcc', RELEASE.format(release, release), folder)


def test_without_a_gpu_operators_are_for_the_cpu(tool, program, capsys):
    nvcc(program)
    assert not tool.gpu.wants_gpu(torch(), insisted=False)
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('release', ['13.0', '13.9', 'unknown'])
def test_a_gpu_and_its_nvcc_are_used(tool, program, release):
    nvcc(program, release)
    assert tool.gpu.wants_gpu(torch(GPU), insisted=False)
    assert tool.gpu.wants_gpu(torch(GPU), insisted=True)


@pytest.mark.parametrize(
    ('release', 'lacking'),
    [
        (None, 'there is a GPU but no nvcc'),
        ('12.4', 'there is a GPU, but {nvcc} is of CUDA 12 and torch of 13.0'),
    ],
)
def test_without_a_fitting_nvcc_operators_are_for_the_cpu(
    tool, program, tmp_path, capsys, release, lacking
):
    lacking = lacking.format(nvcc=tmp_path / 'a bin' / 'nvcc')
    if release:
        nvcc(program, release)
    assert not tool.gpu.wants_gpu(torch(GPU), insisted=False)
    assert capsys.readouterr().out == f'[set-up] {lacking} (see --gpu)\n'
    fix = f'{lacking}: put nvcc of CUDA 13.0 on PATH (or set CUDA_HOME), or build for the CPU'
    with pytest.raises(tool.installer.SetupError, match=re.escape(fix)):
        tool.gpu.wants_gpu(torch(GPU), insisted=True)


def test_insisting_without_a_gpu_is_an_error(tool, program):
    nvcc(program)
    sentence = r'need a GPU, and torch 2\.13\.0 sees none: install a torch for this GPU'
    with pytest.raises(tool.installer.SetupError, match=sentence):
        tool.gpu.wants_gpu(torch(cuda=None), insisted=True)


@pytest.mark.parametrize('variable', ['CUDA_HOME', 'CUDA_PATH'])
def test_nvcc_is_the_one_that_torch_calls(tool, program, tmp_path, monkeypatch, variable):
    assert tool.gpu.find_nvcc() is None
    usual = nvcc(program, folder='usual/bin')
    assert tool.gpu.find_nvcc() == str(usual)
    on_path = nvcc(program)
    assert tool.gpu.find_nvcc() == str(on_path)
    monkeypatch.setenv(variable, str(tmp_path / 'named'))
    assert tool.gpu.find_nvcc() is None
    named = nvcc(program, folder='named/bin')
    assert tool.gpu.find_nvcc() == str(named)
