"""The steps of a set-up, and what each one keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmps.doctor import Facts, Probe, probes
from mmps.doctor import __main__ as doctor
from mmps.doctor.versions import STACKS

ROOT = Path(__file__).parents[3]
VERSIONS = ROOT / 'mmps' / 'versions.txt'
GPU = {'name': 'GPU', 'memory': 1, 'architecture': '9.0'}


class FakeInstaller:
    """An installer of an environment in which all but some commands work."""

    def __init__(self, broken=(), devices=(), gpu=False):
        self.broken, self.devices, self.gpu = list(broken), list(devices), gpu
        self.requirements, self.constraints, self.log = {'mmcv': 'mmcv==2.1.0'}, (), 'the log'
        self.told = []

    def works(self, *names):
        if set(names) & set(self.broken):
            return None
        return {'version': '2.13.0', 'cuda': '13.0', 'devices': self.devices, 'gpu': self.gpu}

    def call(self, *arguments):
        code = int(any(name in arguments[-1] for name in self.broken))
        return SimpleNamespace(returncode=code, stdout='said', stderr='')

    def pip(self, *arguments):
        self.told.append(arguments)

    def install(self, *names, options=()):
        self.told.append(('install', *options, *names))

    def uninstall(self, *names):
        self.told.append(('uninstall', *names))


@pytest.fixture
def environment(tool, tmp_path, monkeypatch):
    """An environment with a space in its path, with mmps in it."""
    folder = tmp_path / 'an env'
    folder.mkdir()
    monkeypatch.setattr(tool.main, 'LOCK', folder / 'lock')
    monkeypatch.setattr(tool.stamp, 'FILE', folder / 'stamp.json')
    monkeypatch.setattr(tool.gpu, 'find_nvcc', lambda: None)
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(tool.mmcv, 'is_installed', lambda _: False)
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: 'onedl' not in name)
    monkeypatch.setattr(tool.main.metadata, 'version', lambda _: '1')
    return folder


def options(operators='', stack='openmmlab'):
    return Namespace(operators=operators, stack=stack, root=ROOT, versions=VERSIONS)


# From the beginning to the end.


def facts_with_operators_for_the_cpu_only():
    found = {name: {'version': '1'} for name in probes.PROBES}
    found['torch'] |= {'cuda': '13.0', 'devices': [GPU]}
    found['ops'] |= {'gpu': False, 'gpu_error': 'implementation for device cuda:0 not found.'}
    found['extras'] |= {'modules': []}
    results = {name: Probe(True, what) for name, what in found.items()}
    return Facts(python=sys.version_info[:3], executable='', packages={}, probes=results)


def test_a_machine_with_a_gpu_and_no_nvcc_is_set_up_once(tool, environment, monkeypatch, capsys):
    """By the doctor's own judgement."""
    monkeypatch.setattr(doctor, 'gather', facts_with_operators_for_the_cpu_only)
    installer = FakeInstaller(devices=[GPU])
    call = installer.call

    def call_doctor(*arguments):
        if 'mmps.doctor' in arguments:
            return SimpleNamespace(returncode=doctor.main(['--brief']), stdout='', stderr='')
        return call(*arguments)

    installer.call = call_doctor
    tool.main.set_up(installer, options())
    said = capsys.readouterr().out
    assert 'there is a GPU but no nvcc (see --gpu)\n' in said
    assert 'for the CPU only: train with `export CUDA_VISIBLE_DEVICES=`\n' in said
    assert said.endswith('is ready\n')
    told = len(installer.told)
    tool.main.set_up(installer, options())
    assert len(installer.told) == told
    assert capsys.readouterr().out.count('\n') == 1


def test_parts_that_do_not_fit_are_an_error_and_nothing_is_noted(tool, environment):
    installer = FakeInstaller()
    tool.main.set_up(installer, options())
    assert tool.stamp.read_stamp().fingerprint
    installer.broken = ['mmdet', '--brief']
    with pytest.raises(tool.main.SetupError, match='the installed parts do not fit:\nsaid'):
        tool.main.set_up(installer, options())
    assert tool.stamp.read_stamp() == tool.stamp.Stamp()


def set_up_once(tool, operators=''):
    tool.main.set_up(FakeInstaller(), options(operators))


def test_an_environment_that_is_ready_need_not_be_writable(tool, environment, monkeypatch):
    set_up_once(tool)
    monkeypatch.setattr(tool.main, 'LOCK', environment / 'stamp.json' / 'below a file')
    set_up_once(tool)


def is_set_up_anew(tool, installer, **settings):
    tool.main.set_up(installer, options(**settings))
    return bool(installer.told)


def test_an_environment_without_mmps_is_not_ready(tool, environment, monkeypatch):
    """The probes find it in the checkout all the same."""
    set_up_once(tool)
    assert not is_set_up_anew(tool, FakeInstaller())
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: name in ('mmengine', 'mmdet'))
    assert is_set_up_anew(tool, FakeInstaller())


@pytest.mark.parametrize('broken', ['extras', 'mmdet', 'ops'])
def test_an_environment_that_broke_is_not_ready(tool, environment, broken):
    tool.stamp.write_stamp(tool.stamp.Stamp('key'))
    assert tool.main.is_ready(FakeInstaller(), 'key', '')
    assert not tool.main.is_ready(FakeInstaller([broken]), 'key', '')


@pytest.mark.parametrize(('gpu', 'ready'), [(True, True), (False, False)])
def test_asked_for_the_gpu_an_environment_without_operators_is_not_ready(
    tool, environment, gpu, ready
):
    tool.stamp.write_stamp(tool.stamp.Stamp('key'))
    assert tool.main.is_ready(FakeInstaller(gpu=gpu), 'key', 'gpu') == ready


def test_operators_for_the_cpu_stay_chosen_until_others_are(tool, environment, monkeypatch):
    chosen = []

    class Wheels(tool.main.MmcvWheels):
        def ensure(self):
            chosen.append(self.operators)
            if len(chosen) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(tool.main, 'MmcvWheels', Wheels)
    with pytest.raises(KeyboardInterrupt):
        set_up_once(tool, 'cpu')
    set_up_once(tool)
    assert chosen == ['cpu', 'cpu']
    set_up_once(tool)
    set_up_once(tool, 'cpu')
    assert chosen == ['cpu', 'cpu']  # it was ready
    assert tool.stamp.read_stamp().cpu_only
    for _ in range(2):  # never ready: the stand-in has no operators for the GPU
        set_up_once(tool, 'gpu')
    set_up_once(tool)
    assert chosen == ['cpu', 'cpu', 'gpu', 'gpu']
    set_up_once(tool, 'cpu')
    assert chosen[4:] == ['cpu']


def test_what_another_set_up_finished_meanwhile_is_not_done_again(tool, environment, monkeypatch):
    @contextmanager
    def waiting(path):
        assert path == environment / 'lock'
        tool.stamp.write_stamp(tool.stamp.Stamp(key))
        yield

    key = tool.stamp.fingerprint('openmmlab', ROOT, VERSIONS)
    monkeypatch.setattr(tool.main, 'locked', waiting)
    assert not is_set_up_anew(tool, FakeInstaller())


def test_the_stacks_are_those_of_the_doctor(tool):
    assert tool.main.FRAMEWORKS == STACKS


# Single steps.


def test_only_the_framework_that_is_missing_is_installed(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: name == 'mmengine')
    monkeypatch.setattr(tool.main.metadata, 'version', lambda _: '0.10.5')
    installer = FakeInstaller(['extras'])
    tool.main.ensure_frameworks(installer, ['mmengine', 'mmdet'])
    assert installer.told == [('install', '--no-build-isolation', 'mmdet')]
    assert 'keeping mmengine 0.10.5\n' in capsys.readouterr().out


def test_frameworks_that_are_there_are_kept_whatever_else_fails(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool.main, 'is_installed', lambda _: True)
    monkeypatch.setattr(tool.main.metadata, 'version', lambda _: '1')
    installer = FakeInstaller(['extras', 'matplotlib'])
    tool.main.ensure_frameworks(installer, ['mmengine', 'mmdet'])
    assert installer.told == []
    assert 'keeping mmengine 1 and mmdet 1\n' in capsys.readouterr().out


def test_only_the_extra_that_fails_is_installed_anew(tool):
    installer = FakeInstaller(['matplotlib'])
    tool.main.ensure_extras(installer)
    assert installer.told == [('uninstall', 'matplotlib'), ('install', 'matplotlib')]


def test_the_extras_are_those_that_the_doctor_tries(tool):
    assert list(tool.main.EXTRAS) == probes.probe_extras()['modules']
    for code in tool.main.EXTRAS.values():
        exec(code, {})


def test_build_tools_that_are_missing_are_installed(tool):
    installer = FakeInstaller(['import ninja'])
    tool.main.ensure_torch(installer)
    assert installer.told == [('install', 'ninja')]


@pytest.mark.parametrize('old', [False, True])
def test_a_setuptools_that_cannot_build_mmps_is_replaced(tool, tmp_path, old):
    if old:
        (tmp_path / 'setuptools' / 'command').mkdir(parents=True)
        (tmp_path / 'setuptools' / '__init__.py').touch()
        (tmp_path / 'setuptools' / 'command' / '__init__.py').touch()
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', tool.main.BUILD_TOOLS['setuptools']],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYTHONPATH': str(tmp_path)},
    )
    assert done.returncode == int(old)
    assert ("cannot import name 'editable_wheel'" in done.stderr) == old


def test_a_torch_that_fails_is_installed_anew_and_then_an_error(tool):
    installer = FakeInstaller(['torch'])
    with pytest.raises(tool.main.SetupError, match=r'torch is there but fails: `.* says why'):
        tool.main.ensure_torch(installer)
    assert installer.told == [('uninstall', 'torch'), ('install', 'torch')]


def test_the_other_stack_is_not_overwritten(tool, monkeypatch):
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: name == 'mmdet')
    tool.main.check_other_stack('openmmlab')
    with pytest.raises(tool.main.SetupError, match='holds mmdet, which the stack onedl would'):
        tool.main.check_other_stack('onedl')


def test_no_room_for_torch_is_said_before_the_download(tool, monkeypatch):
    usage = SimpleNamespace(free=70 << 20)
    monkeypatch.setattr(tool.main.shutil, 'disk_usage', lambda _: usage)
    monkeypatch.setattr(tool.main, 'is_installed', lambda _: False)
    with pytest.raises(tool.main.SetupError, match='70 MiB free and torch and mmcv need 4096'):
        tool.main.ensure_torch(None)


@pytest.mark.parametrize('writable', [True, False])
def test_mmps_is_installed_from_a_checkout_that_cannot_be_written(tool, monkeypatch, writable):
    monkeypatch.setattr(tool.main, 'can_write', lambda folder: writable)
    seen = []

    def pip(*arguments):
        folder = Path(arguments[-1].removesuffix('[tests]'))
        seen.append((arguments[-2] == '-e', folder, (folder / 'mmps' / 'versions.txt').is_file()))

    tool.main.ensure_mmps(SimpleNamespace(pip=pip, constraints=()), ROOT)
    ((editable, folder, whole),) = seen
    assert whole
    assert editable == (folder == ROOT) == writable
    assert folder.exists() == writable
