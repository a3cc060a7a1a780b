"""Which MMCV is kept, and how one is built."""

from __future__ import annotations

import sysconfig
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

GPU = {'name': 'GPU', 'memory': 1, 'architecture': '9.0'}
BINDINGS = 'mmcv/ops/csrc/pytorch/pybind.cpp'


class FakeInstaller:
    """A pip that downloads a small source, and a compiler that notes what it is asked for."""

    constraints, log = (), 'the log'
    requirements = {'mmcv': 'mmcv==2.1.0'}

    def __init__(self, folder, tool, devices=(), fails=0):
        self.source, self.tool, self.devices = folder / 'mmcv-2.1.0', tool, list(devices)
        (self.source / BINDINGS).parent.mkdir(parents=True)
        (self.source / BINDINGS).write_text('m.def("nms", &nms);\n  m.def(\n "roi_align", &r);')
        (self.source / 'setup.py').write_text("'-std=c++17'")
        self.fails, self.names = fails, 'nms roi_align'
        self.asked, self.built, self.works_now = [], [], None

    def works(self, name):
        torch = {'version': '2.13.0', 'cuda': '13.0', 'devices': self.devices}
        return torch if name == 'torch' else self.works_now

    def call(self, *arguments):
        return SimpleNamespace(stdout=self.names, stderr='')

    def pip(self, *arguments):
        self.asked.append(arguments)
        if arguments[0] == 'download':
            folder = Path(arguments[arguments.index('-d') + 1])
            with tarfile.open(folder / 'mmcv-2.1.0.tar.gz', 'w:gz') as file:
                file.add(self.source, 'mmcv-2.1.0')
        if arguments[-1].endswith('.whl'):
            self.works_now = {'gpu': bool(self.devices)}

    def uninstall(self, *names):
        self.asked.append(('uninstall', *names))

    def start(self, command, settings, folder, log):
        joined = (folder / 'joint').exists()
        standard = (folder / 'setup.py').read_text()
        self.built.append({**settings, 'joined': joined, 'standard': standard})
        Path(command[-1], 'mmcv.whl').touch()

        def finish():
            if len(self.built) <= self.fails:
                raise self.tool.installer.SetupError('the compiler failed')

        return finish


@pytest.fixture
def made(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.operators, 'ENVIRONMENT', tmp_path / 'an env')
    monkeypatch.setattr(tool.operators, 'wants_gpu', lambda torch, insisted: bool(torch['devices']))
    for name in ('MAX_JOBS', 'CPPFLAGS', 'TORCH_CUDA_ARCH_LIST'):
        monkeypatch.delenv(name, raising=False)

    def join(source, jobs):
        (source / 'joint').mkdir()
        return True

    monkeypatch.setattr(tool.operators, 'join_sources', join)

    def make(device='', **settings):
        installer = FakeInstaller(tmp_path, tool, **settings)
        return tool.operators.Operators(installer, 'mmcv', device)

    return make


def build(operators):
    operators.start()
    operators.finish()
    return operators.installer


def test_what_works_is_kept(made, capsys):
    operators = made()
    operators.installer.works_now = {'gpu': False}
    assert build(operators).built == []
    assert 'keeping mmcv' in capsys.readouterr().out


def test_operators_without_a_gpu_are_kept_until_the_gpu_is_asked_for(made):
    kept, asked = made(devices=[GPU]), None
    kept.installer.works_now = {'gpu': False}
    assert build(kept).built == []
    kept.device = 'gpu'
    asked = build(kept)
    assert asked.built[0]['FORCE_CUDA'] == '1'
    assert asked.built[0]['TORCH_CUDA_ARCH_LIST'] == '9.0'
    assert 'CUDA_VISIBLE_DEVICES' not in asked.built[0]


def test_the_build_joins_files_and_leaves_nothing_but_mmcv(made, tmp_path, monkeypatch):
    monkeypatch.setenv('MAX_JOBS', '7')
    monkeypatch.setenv('CPPFLAGS', '-DX')
    monkeypatch.setenv('FORCE_CUDA', '1')
    installer = build(made())
    (settings,) = installer.built
    assert settings['joined']
    assert (settings['MAX_JOBS'], settings['MMCV_WITH_OPS']) == ('7', '1')
    assert settings['CPPFLAGS'] == '-DX -g0'
    assert (settings['CUDA_VISIBLE_DEVICES'], settings['FORCE_CUDA']) == ('', '0')
    assert ('uninstall', 'mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv') in installer.asked
    assert list((tmp_path / 'an env').iterdir()) == []


def test_the_build_finds_the_ninja_of_an_environment_that_is_not_active(made, monkeypatch):
    monkeypatch.setenv('PATH', '/usr/bin')
    (settings,) = build(made()).built
    assert settings['PATH'] == f'{sysconfig.get_path("scripts")}:/usr/bin'


def test_where_the_joined_build_fails_the_plain_one_is_made(made, capsys):
    installer = build(made(fails=1))
    assert [settings['joined'] for settings in installer.built] == [True, False]
    assert 'file by file' in capsys.readouterr().out


def test_an_operator_that_is_lacking_is_noticed(tool, made):
    """The second build lacks it too: that is an error."""
    operators = made()
    operators.installer.names = 'nms'
    with pytest.raises(tool.installer.SetupError, match='built but fails'):
        build(operators)
    assert [settings['joined'] for settings in operators.installer.built] == [True, False]


@pytest.mark.parametrize(('header', 'standard'), [('C++20 or later', '20'), ('C++17', '17')])
def test_the_standard_is_the_one_that_torch_asks_for(
    tool, made, tmp_path, monkeypatch, header, standard
):
    path = tmp_path / 'torch/include/ATen/ATen.h'
    path.parent.mkdir(parents=True)
    path.write_text(f'#error {header} compatible compiler is required to use ATen.')
    torch = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(tool.operators.metadata, 'distribution', lambda _: torch)
    assert build(made()).built[0]['standard'] == f"'-std=c++{standard}'"


@pytest.mark.parametrize(
    ('cores', 'gib', 'jobs'), [(1, 64, 1), (8, 64, 8), (8, 4, 2), (8, 1, 1), (64, 256, 64)]
)
def test_jobs_fit_the_machine(tool, monkeypatch, cores, gib, jobs):
    os = tool.operators.os
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: range(cores), raising=False)
    pages = {'SC_PAGE_SIZE': 4096, 'SC_PHYS_PAGES': gib * 2**30 // 4096}
    monkeypatch.setattr(os, 'sysconf', pages.__getitem__)
    assert tool.operators.count_jobs() == jobs


def test_without_a_compiler_what_would_have_to_be_built_is_refused(tool, made, monkeypatch):
    operators = made()
    monkeypatch.setenv('CXX', 'no-such-compiler')
    with pytest.raises(tool.installer.SetupError, match=r'install a C\+\+ compiler'):
        operators.check_compiler()
    operators.installer.works_now = {'gpu': False}
    operators.check_compiler()
