"""The steps of a set-up, and what each one keeps."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmps.doctor import probes
from mmps.doctor.versions import STACKS

ROOT = Path(__file__).parents[3]
VERSIONS = ROOT / 'mmps' / 'versions.txt'


class FakeInstaller:
    """An installer of an environment in which all but some commands work."""

    def __init__(self, broken=(), gpu=False, torch=''):
        self.broken, self.gpu, self.torch = [*broken], gpu, torch
        self.requirements, self.constraints, self.log = {}, (), 'the log'
        self.told = []

    def works(self, *names):
        found = {'version': '2.13.0+cpu', 'devices': [], 'gpu': self.gpu}
        return None if set(names) & {*self.broken} else found

    def call(self, *arguments):
        code = int(any(name in arguments[-1] for name in self.broken))
        return SimpleNamespace(returncode=code, stdout='said', stderr='')

    def pip(self, *arguments):
        self.told.append(arguments)

    def replace(self, *names, options=()):
        if names:
            self.told.append(('replace', *options, *names))
        self.broken = [name for name in self.broken if name not in names]


@pytest.fixture
def installed(tool, monkeypatch):
    """What is installed, as names; all that is asked for but the fork."""
    missing = set(STACKS['onedl'])
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: name not in missing)
    monkeypatch.setattr(tool.main, 'is_outdated_copy', lambda _: False)
    monkeypatch.setattr(tool.main.metadata, 'version', lambda _: '2.13.0+cpu')
    return missing


@pytest.fixture
def operators(tool, monkeypatch):
    """A build that notes when it begins and ends."""

    class Noted:
        def __init__(self, installer, name, device):
            self.told = installer.told

        def check_compiler(self):
            self.told.append('compiler?')

        def start(self):
            self.told.append('start')

        def finish(self):
            self.told.append('finish')

    monkeypatch.setattr(tool.main, 'Operators', Noted)


def options(**settings):
    defaults = {'device': '', 'stack': 'openmmlab', 'tests': False, 'torch': ''}
    return Namespace(root=ROOT, versions=VERSIONS, **{**defaults, **settings})


def test_packages_are_installed_while_operators_are_compiled(tool, installed, operators):
    installed |= {'mmps', 'mmengine', 'mmdet'}
    installer = FakeInstaller(['torch'])
    tool.main.set_up(installer, options())
    first = [told if isinstance(told, str) else told[-1] for told in installer.told]
    assert first == ['compiler?', 'torch', 'start', 'mmdet', str(ROOT), 'finish']


def test_an_environment_that_works_is_left_alone(tool, installed, capsys):
    installer = FakeInstaller()
    tool.main.set_up(installer, options())
    assert installer.told == []
    assert capsys.readouterr().out.count('\n') == 1


@pytest.mark.parametrize(
    ('broken', 'asked', 'lacking'),
    [
        (['extras'], {}, ()),
        (['mmdet'], {}, ()),
        (['ops'], {}, ()),
        ([], {'device': 'gpu'}, ()),
        ([], {'torch': '2.14.1'}, ()),
        ([], {}, ('mmps',)),
        ([], {'tests': True}, ('pytest',)),
    ],
)
def test_what_is_not_ready(tool, installed, monkeypatch, broken, asked, lacking):
    monkeypatch.setattr(tool.main, 'test_packages', lambda: ['pytest', 'ruff'])
    assert tool.main.is_ready(FakeInstaller(), options(tests=True))
    installed |= {*lacking}
    assert not tool.main.is_ready(FakeInstaller(broken), options(**asked))


def test_parts_that_do_not_fit_are_an_error(tool, installed, operators):
    installer = FakeInstaller(['--brief', 'mmdet'])
    with pytest.raises(tool.main.SetupError, match='do not fit:\nsaid'):
        tool.main.set_up(installer, options())


def test_one_stack_is_not_installed_over_the_other(tool, installed):
    with pytest.raises(tool.main.SetupError, match='holds mmcv, which the stack onedl'):
        tool.main.set_up(FakeInstaller(['mmdet']), options(stack='onedl'))


def test_a_torch_that_works_is_kept_whatever_its_version(tool):
    installer = FakeInstaller()
    tool.main.ensure_torch(installer)
    assert installer.told == []


def test_another_torch_is_put_in_its_place_where_asked_for(tool):
    installer = FakeInstaller(torch='2.14.1')
    tool.main.ensure_torch(installer)
    assert installer.told == [('replace', 'torch')]


@pytest.mark.parametrize('broken', ['pkg_resources', 'ninja', 'numpy'])
def test_build_tools_that_fail_are_installed(tool, broken):
    installer = FakeInstaller([broken])
    tool.main.ensure_torch(installer)
    name = 'setuptools' if broken == 'pkg_resources' else broken
    assert installer.told == [('replace', name)]


def test_a_torch_that_fails_all_the_same_is_an_error(tool, monkeypatch):
    installer = FakeInstaller(['torch'])
    installer.replace = lambda *_: None
    with pytest.raises(tool.main.SetupError, match=r'fails: .* -m mmps.doctor'):
        tool.main.ensure_torch(installer)


def test_no_room_for_torch_is_refused_before_it_is_downloaded(tool, installed, monkeypatch):
    installed.add('torch')
    monkeypatch.setattr(tool.main.shutil, 'disk_usage', lambda _: SimpleNamespace(free=2**30))
    with pytest.raises(tool.main.SetupError, match='has 1024 MiB free and torch and mmcv need'):
        tool.main.ensure_torch(FakeInstaller())


@pytest.mark.parametrize('broken', ['matplotlib', 'rich', 'scipy'])
def test_plain_packages_that_fail_are_replaced_and_no_other(tool, installed, broken):
    installer = FakeInstaller([broken])
    tool.main.ensure_packages(installer, ['mmengine', 'mmdet'])
    assert installer.told == [('replace', '--no-build-isolation', broken)]


def test_an_opencv_that_does_not_fit_numpy_is_replaced(tool, installed):
    installer = FakeInstaller(['opencv'])
    tool.main.ensure_packages(installer, ['mmengine', 'mmdet'])
    assert installer.told == [('replace', 'numpy', 'opencv-python')]


def test_an_mmengine_that_fails_is_replaced(tool, installed):
    installer = FakeInstaller(['mmengine'])
    tool.main.ensure_packages(installer, ['mmengine', 'mmdet'])
    assert installer.told == [('replace', 'mmengine')]


def test_each_probe_of_the_extras_is_one_of_the_packages(tool):
    imported = probes.probe_extras.__code__.co_names
    assert {code.removeprefix('import ') for code in tool.main.EXTRAS.values()} <= {*imported}


def test_mmps_is_installed_editable_with_what_tests_need_if_asked(tool):
    installer = FakeInstaller()
    tool.main.ensure_mmps(installer, ROOT, tests=False)
    tool.main.ensure_mmps(installer, ROOT, tests=True)
    assert [told[-2:] for told in installer.told] == [
        ('-e', str(ROOT)),
        ('-e', f'{ROOT}[tests]'),
    ]


def test_a_checkout_that_cannot_be_written_is_copied(tool, monkeypatch):
    monkeypatch.setattr(tool.main, 'can_write', lambda _: False)
    seen = []
    installer = FakeInstaller()
    installer.pip = lambda *arguments: seen.extend(p.name for p in Path(arguments[-1]).iterdir())
    tool.main.ensure_mmps(installer, ROOT, tests=False)
    assert sorted(seen) == sorted(tool.main.SOURCES)


def test_a_wheel_brings_itself(tool, tmp_path):
    installer = FakeInstaller()
    tool.main.ensure_mmps(installer, tmp_path, tests=True)
    assert installer.told == []


@pytest.mark.parametrize(
    ('editable', 'change', 'outdated'),
    [(True, True, False), (False, False, False), (False, True, True)],
)
def test_a_copy_is_outdated_when_its_checkout_changes(
    tool, tmp_path, monkeypatch, editable, change, outdated
):
    for place in ('checkout', 'installed'):
        (tmp_path / place / 'mmps').mkdir(parents=True)
        (tmp_path / place / 'mmps' / 'a.py').write_text('1')
        (tmp_path / place / 'setup.py').touch()
    if change:
        (tmp_path / 'checkout' / 'mmps' / 'a.py').write_text('2')
    url = json.dumps({'url': 'file:///x', 'dir_info': {'editable': True} if editable else {}})
    distribution = SimpleNamespace(
        read_text=lambda _: url, locate_file=lambda name: tmp_path / 'installed' / name
    )
    monkeypatch.setattr(tool.main.metadata, 'distribution', lambda _: distribution)
    assert tool.main.is_outdated_copy(tmp_path / 'checkout') is outdated


def test_test_packages_are_those_of_setup_py(tool, monkeypatch):
    lines = [
        'numpy',
        "pytest>=8; extra == 'tests'",
        'ruff; extra == "tests"',
        "x; extra == 'onedl'",
    ]
    monkeypatch.setattr(tool.main.metadata, 'requires', lambda _: lines)
    assert tool.main.test_packages() == ['pytest', 'ruff']
