"""MMCV's wheels: kept, found, built, and by one set-up at a time."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmps.doctor import facts

GPU = {'name': 'GPU', 'memory': 1, 'architecture': '9.0'}


class FakeInstaller:
    """An installer whose probe of MMCV's operators answers in turn."""

    def __init__(self, answers, devices=(), gpu=None):
        self.gpu = bool(devices) if gpu is None else gpu
        self.requirements = {'mmcv': 'mmcv==2.1.0'}
        self.constraints = ()
        self.answers, self.devices = list(answers), list(devices)
        self.told = []

    def works(self, probe):
        if probe == 'torch':
            return {'version': '2.13.0+cpu', 'cuda': None, 'devices': self.devices}
        return {'gpu': self.gpu} if self.answers.pop(0) else None

    def call(self, *arguments):
        return SimpleNamespace(stdout='', stderr='')

    def pip(self, *arguments):
        self.told.append(arguments)

    def uninstall(self, *names):
        self.told.append(('uninstall', *names))


@pytest.fixture
def cache(tool, tmp_path, monkeypatch):
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(tool.gpu, 'find_nvcc', lambda: None)
    monkeypatch.setattr(tool.mmcv, 'find_compiler', lambda: 'c++')
    return tmp_path / 'cache'


def wheel_in(cache, tool, torch='2.13.0+cpu'):
    python = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    folder = cache / f'mmcv-2.1.0-torch{torch}-cpu-{python}-{tool.mmcv.platform.machine()}'
    folder.mkdir(parents=True)
    wheel = folder / f'mmcv-2.1.0-{python}-{python}-linux_x86_64.whl'
    wheel.touch()
    return wheel


def test_an_mmcv_that_works_is_kept(tool, cache):
    installer = FakeInstaller([True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure()
    assert installer.told == []


def test_the_wheel_of_this_torch_is_taken(tool, cache):
    wheel = wheel_in(cache, tool)
    wheel_in(cache, tool, torch='2.9.0')
    installer = FakeInstaller([False, True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure()
    assert {arguments[-1] for arguments in installer.told[1:]} == {str(wheel)}


def test_a_wheel_of_another_torch_is_noticed_and_mmcv_is_built(tool, cache, monkeypatch, capsys):
    wheel_in(cache, tool)
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False, False, True]), 'mmcv')
    built = Path('built.whl')
    monkeypatch.setattr(wheels, '_build', lambda folder, torch: built)
    wheels.ensure()
    assert 'it was built for another torch' in capsys.readouterr().out
    assert wheels.installer.told[-1][-1] == str(built)


def test_a_build_that_does_not_work_is_an_error(tool, cache, monkeypatch):
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False, False]), 'mmcv')
    monkeypatch.setattr(wheels, '_build', lambda folder, torch: Path('built.whl'))
    with pytest.raises(tool.installer.SetupError, match='mmcv is built but fails'):
        wheels.ensure()


@pytest.mark.parametrize('method', ['check_compiler', 'ensure'])
def test_without_a_compiler_the_build_is_not_begun(tool, cache, monkeypatch, method):
    monkeypatch.setattr(tool.mmcv, 'find_compiler', lambda: None)
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False]), 'mmcv')
    ways = {'check_compiler': wheels.check_compiler, 'ensure': wheels.ensure}
    with pytest.raises(tool.installer.SetupError, match=r'install a C\+\+ compiler .* run again'):
        ways[method]()


@pytest.mark.parametrize('reason', ['a compiler', 'a wheel', 'a working mmcv'])
def test_an_environment_that_needs_no_compiler_is_gone_on_with(tool, cache, monkeypatch, reason):
    if reason != 'a compiler':
        monkeypatch.setattr(tool.mmcv, 'find_compiler', lambda: None)
    if reason == 'a wheel':
        wheel_in(cache, tool, torch='2.9.0')
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([reason == 'a working mmcv']), 'mmcv')
    wheels.check_compiler()
    assert wheels.installer.told == []


def test_an_mmcv_under_mmcv_lite_is_installed_anew(tool, cache, monkeypatch):
    """Both write the same files: removing mmcv-lite takes mmcv's with it."""
    monkeypatch.setattr(tool.mmcv, 'is_installed', lambda name: name == 'mmcv-lite')
    wheel = wheel_in(cache, tool)
    installer = FakeInstaller([True, True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure()
    assert installer.told[0][:2] == ('uninstall', 'mmcv-lite')
    assert installer.told[-1][-1] == str(wheel)


def test_a_wheel_in_a_folder_that_cannot_be_written_is_read(tool, cache, monkeypatch):
    wheel = wheel_in(cache, tool)
    monkeypatch.setattr(tool.mmcv, 'can_write', lambda folder: False)
    assert tool.mmcv.cache_folder() == Path(sys.prefix) / 'mmps-cache'
    installer = FakeInstaller([False, True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure()
    assert installer.told[-1][-1] == str(wheel)


@pytest.mark.parametrize(
    ('there', 'named', 'found'),
    [
        ([], None, None),
        (['g++'], None, None),
        (['g++', 'c++'], None, 'c++'),
        (['c++'], '', 'c++'),
        (['c++'], 'clang++', None),
        (['c++', 'clang++'], 'clang++', 'clang++'),
        (['ccache'], 'ccache g++', 'ccache'),
    ],
)
def test_the_compiler_is_the_one_that_torch_calls_and_the_doctor_agrees(
    tool, program, tmp_path, monkeypatch, there, named, found
):
    monkeypatch.setenv('PATH', str(tmp_path / 'a bin'))
    monkeypatch.delenv('CXX', raising=False)
    if named is not None:
        monkeypatch.setenv('CXX', named)
    for name in there:
        program(name)
    expected = str(tmp_path / 'a bin' / found) if found else None
    assert tool.mmcv.find_compiler() == expected
    assert facts.find_compiler() == (expected or '')


def test_an_mmcv_that_mmdet_refuses_is_not_kept(tool, cache, monkeypatch):
    installer = FakeInstaller([True, True])
    complaints = iter(['AssertionError: MMCV==2.2.0 is used', ''])
    monkeypatch.setattr(
        installer, 'call', lambda *_: SimpleNamespace(stdout='', stderr=next(complaints, ''))
    )
    wheel_in(cache, tool)
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure()
    assert installer.told


@pytest.mark.parametrize(
    ('operators', 'nvcc', 'kept'),
    [('', False, True), ('cpu', True, True), ('', True, False), ('gpu', True, False)],
)
def test_operators_for_the_cpu_are_kept_where_no_others_are_wanted(
    tool, cache, monkeypatch, operators, nvcc, kept
):
    monkeypatch.setattr(tool.gpu, 'what_nvcc_lacks', lambda _: '' if nvcc else 'no nvcc')
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([True, True], [GPU], gpu=False), 'mmcv', operators)
    monkeypatch.setattr(wheels, '_build', lambda folder, torch: Path(f'built for {folder.name}'))
    if kept:
        wheels.ensure()
        assert wheels.installer.told == []
    else:  # the stand-in's operators stay without a GPU
        with pytest.raises(tool.installer.SetupError, match='mmcv is built but fails'):
            wheels.ensure()
        assert '-cudaNone-' in wheels.installer.told[-1][-1]


def test_gpu_operators_that_cannot_be_built_are_refused(tool, cache):
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([True], [GPU]), 'mmcv', 'gpu')
    with pytest.raises(tool.installer.SetupError, match='no nvcc: put nvcc of CUDA'):
        wheels.ensure()


def test_a_second_set_up_waits_for_the_first_and_takes_its_wheel(tool, cache, monkeypatch, capsys):
    building, may_end, built = threading.Event(), threading.Event(), []

    def build(folder, torch):
        built.append(folder)
        building.set()
        assert may_end.wait(10)
        return wheel_in(cache, tool)

    first = tool.mmcv.MmcvWheels(FakeInstaller([False, True]), 'mmcv')
    monkeypatch.setattr(first, '_build', build)
    thread = threading.Thread(target=first.ensure)
    thread.start()
    assert building.wait(10)
    second = tool.mmcv.MmcvWheels(FakeInstaller([False, True]), 'mmcv')
    monkeypatch.setattr(second, '_build', build)
    threading.Timer(0.3, may_end.set).start()
    second.ensure()
    thread.join()
    assert len(built) == 1
    assert second.installer.told[-1][-1].endswith('linux_x86_64.whl')
    assert 'waiting for another set-up, which holds' in capsys.readouterr().out


@pytest.mark.parametrize('replaced', [True, False])
def test_after_waiting_only_a_new_wheel_is_tried(tool, cache, monkeypatch, replaced):
    wheel = wheel_in(cache, tool)
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False, False, True]), 'mmcv')
    monkeypatch.setattr(wheels, '_build', lambda folder, torch: Path('built.whl'))

    @contextmanager
    def waiting(path):
        if replaced:
            os.utime(wheel, (1, 1))
        yield

    monkeypatch.setattr(tool.mmcv, 'locked', waiting)
    wheels.ensure()
    assert wheels.installer.told[-1][-1] == (str(wheel) if replaced else 'built.whl')


def test_a_cache_that_may_not_be_searched_holds_nothing(tool, cache, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    wheel = wheel_in(cache, tool)
    assert tool.mmcv.find_wheels(cache, wheel.parent.name) == [wheel]
    monkeypatch.setattr(Path, 'glob', refuse)
    assert tool.mmcv.find_wheels(cache, wheel.parent.name) == []


def test_where_wheels_are_kept(tool, tmp_path, monkeypatch):
    monkeypatch.delenv('MMPS_CACHE', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert tool.mmcv.cache_folder() == tmp_path / 'mmps'
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'mine'))
    assert tool.mmcv.cache_folder() == tmp_path / 'mine'
    (tmp_path / 'file').touch()
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'file' / 'below'))
    assert tool.mmcv.cache_folder() == Path(sys.prefix) / 'mmps-cache'
