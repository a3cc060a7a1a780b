"""The steps of a set-up, and what each one keeps."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmps.doctor import facts, probes
from mmps.doctor.versions import STACKS

ROOT = Path(__file__).parents[3]


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
    monkeypatch.setattr(tool.main.metadata, 'version', lambda _: '2.13.0+cpu')
    monkeypatch.setattr(tool.main, 'is_current', lambda: 'mmps' not in missing)
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
    return Namespace(**{**defaults, **settings})


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
        (['scipy'], {}, ()),
        (['setuptools'], {}, ()),
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
    installer = FakeInstaller(['mmps.doctor', 'ops'])
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


@pytest.mark.parametrize(
    ('broken', 'replaced'),
    [(['setuptools'], ['setuptools']), (['ninja', 'torch'], ['ninja', 'numpy', 'torch'])],
)
def test_what_fails_is_replaced_and_numpy_with_torch(tool, broken, replaced):
    installer = FakeInstaller(broken)
    tool.main.ensure_torch(installer)
    assert installer.told == [('replace', *replaced)]


def test_a_torch_that_fails_all_the_same_is_an_error(tool, monkeypatch):
    installer = FakeInstaller(['torch'])
    installer.replace = lambda *_: None
    with pytest.raises(tool.main.SetupError, match=r'fails: .* -m mmps.doctor'):
        tool.main.ensure_torch(installer)


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


def test_the_set_up_installs_what_the_doctor_tries(tool):
    tried = {*facts.PROBED, *tool.main.BUILD_TOOLS}
    assert {*tool.main.BUILD_TOOLS, *tool.main.EXTRAS} <= probes.MODULES.keys()
    by_name = {'torch', 'opencv', 'mmengine', 'ops', 'mmdet', 'mmps'}
    assert tried == {*tool.main.BUILD_TOOLS, *tool.main.EXTRAS, *by_name}


def test_mmps_is_installed_editable_with_what_tests_need_if_asked(tool):
    installer = FakeInstaller()
    tool.main.ensure_mmps(installer, tests=False)
    tool.main.ensure_mmps(installer, tests=True)
    assert [told[-2:] for told in installer.told] == [('-e', str(ROOT)), ('-e', f'{ROOT}[tests]')]


def test_a_wheel_brings_itself(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.main, 'ROOT', tmp_path)
    installer = FakeInstaller()
    tool.main.ensure_mmps(installer, tests=True)
    assert installer.told == []


def test_test_packages_are_those_of_setup_py(tool, monkeypatch):
    lines = [
        'numpy',
        "pytest>=8; extra == 'tests'",
        'ruff; extra == "tests"',
        "x; extra == 'onedl'",
    ]
    monkeypatch.setattr(tool.main.metadata, 'requires', lambda _: lines)
    assert tool.main.test_packages() == ['pytest', 'ruff']


@pytest.mark.parametrize(
    ('origin', 'age', 'current'),
    [('here', 0, True), ('here', -60, False), ('elsewhere', 0, False), (None, 0, False)],
    ids=['this checkout', 'before setup.py changed', 'another checkout', 'a wheel'],
)
def test_mmps_of_another_checkout_is_not_current(tool, tmp_path, monkeypatch, origin, age, current):
    root = tmp_path / 'a folder'
    root.mkdir()
    (root / 'setup.py').touch()
    notes = tmp_path / 'METADATA'
    notes.touch()
    changed = (root / 'setup.py').stat().st_mtime
    os.utime(notes, (changed + age, changed + age))

    class Installed:
        files = (SimpleNamespace(name='METADATA', locate=lambda: notes),)

        def read_text(self, name):
            where = {'here': root, 'elsewhere': tmp_path}.get(origin)
            return where and json.dumps({'url': where.as_uri()})

    monkeypatch.setattr(tool.main, 'ROOT', root)
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: True)
    monkeypatch.setattr(tool.main.metadata, 'distribution', lambda name: Installed())
    assert tool.main.is_current() is current
