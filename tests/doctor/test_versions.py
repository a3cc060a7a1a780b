from __future__ import annotations

import shlex
import sys

import pytest

from mmps.doctor import versions
from mmps.doctor.versions import (
    install,
    is_onedl,
    mend_mmcv,
    pip,
    read_python_span,
    read_requirements,
    reinstall,
    set_up,
    upgrade,
)


def test_requirements_are_read(tmp_path):
    path = tmp_path / 'versions.txt'
    path.write_text('# head\n# python: 3.8 to 3.14\n\na==1.0  # why\nb>=2,<3\nc<=4\n')
    assert read_requirements(path) == {'a': 'a==1.0', 'b': 'b>=2,<3', 'c': 'c<=4'}
    assert read_python_span(path) == ((3, 8), (3, 14))


def test_the_file_names_both_stacks():
    names = ('mmcv', 'mmengine', 'mmdet', 'onedl-mmcv', 'onedl-mmengine', 'onedl-mmdetection')
    assert all('==' in read_requirements()[name] for name in (*names, 'torch'))


def test_commands_survive_the_shell(monkeypatch):
    monkeypatch.setattr(sys, 'executable', '/a b/python')
    assert shlex.split(pip('install', 'numpy<3')) == [
        '/a b/python',
        '-m',
        'pip',
        'install',
        'numpy<3',
    ]
    assert shlex.split(install('numpy', 'rich'))[-2:] == [read_requirements()['numpy'], 'rich']


@pytest.mark.parametrize(
    ('installed', 'removed', 'built'),
    [
        ({}, None, 'mmcv=='),
        ({'mmcv': '2.2.0'}, 'uninstall -y mmcv &&', 'mmcv=='),
        ({'mmcv-lite': '2.1.0'}, 'uninstall -y mmcv-lite &&', 'mmcv=='),
        ({'onedl-mmcv': '2.3.6'}, 'uninstall -y onedl-mmcv &&', 'onedl-mmcv=='),
    ],
)
@pytest.mark.parametrize('gpu', [False, True])
def test_without_the_script_mmcv_is_built_by_pip(monkeypatch, installed, removed, built, gpu):
    monkeypatch.setattr(versions, 'SETUP_SCRIPTS', ())
    command = mend_mmcv(installed, gpu)
    assert command.split()[-1].startswith(built)
    assert ('uninstall' in command) == (removed is not None)
    assert removed is None or removed in command
    assert '--no-build-isolation --no-cache-dir' in command
    assert ('FORCE_CUDA=1' in command) == gpu


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An environment and a set-up script, both in folders with a space."""
    for path in ('an env/bin/python', 'a clone/setup_env.sh'):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'an env'))
    monkeypatch.setattr(versions, 'SETUP_SCRIPTS', (tmp_path / 'a clone/setup_env.sh',))
    return tmp_path


@pytest.mark.parametrize(
    ('installed', 'gpu', 'stack', 'options'),
    [
        ({'mmcv': '2.2.0'}, False, [], []),
        ({'mmcv': '2.1.0'}, True, [], ['--gpu']),
        ({'onedl-mmcv': '2.3.6'}, False, ['MMPS_STACK=onedl'], []),
    ],
)
def test_mmcv_is_mended_by_the_script(place, installed, gpu, stack, options):
    environment, script = f'MMPS_VENV={place}/an env', f'{place}/a clone/setup_env.sh'
    expected = [*stack, environment, 'bash', script, *options]
    assert shlex.split(mend_mmcv(installed, gpu)) == expected


def test_the_script_needs_a_python_to_work_with(place):
    (place / 'an env/bin/python').unlink()
    assert set_up() == ''


@pytest.mark.parametrize('installed', [{}, {'torch': '2.13.0'}])
def test_a_broken_package_is_removed_first(installed):
    removed, _, installing = reinstall(installed, 'torch').rpartition(' && ')
    assert removed.endswith('uninstall -y torch') == bool(installed)
    assert installing == install('torch')


def test_an_upgrade_stays_within_the_tested_versions():
    words = shlex.split(upgrade('numpy', 'rich'))
    assert words[-3:] == ['--upgrade', read_requirements()['numpy'], 'rich']


def test_the_fork_is_told_by_its_packages():
    assert is_onedl({'onedl-mmdetection': '3.5.1'})
    assert not is_onedl({'mmdet': '3.3.0'})
