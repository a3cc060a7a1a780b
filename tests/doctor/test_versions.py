from __future__ import annotations

import shlex
import sys

import pytest

from mmps.doctor import versions
from mmps.doctor.versions import (
    STACKS,
    install,
    is_onedl,
    mend_mmcv,
    mend_stacks,
    pip,
    read_python_span,
    read_requirements,
    reinstall,
    replace,
    set_up,
    set_up_elsewhere,
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
    assert all(is_onedl({name: '1'}) for name in STACKS['onedl'])
    assert not any(is_onedl({name: '1'}) for name in STACKS['openmmlab'])


@pytest.mark.parametrize('command', [install, upgrade])
@pytest.mark.parametrize(('name', 'isolated'), [('onedl-mmdetection', False), ('mmdet', True)])
def test_what_is_built_from_source_takes_setuptools_from_here(command, name, isolated):
    assert ('--no-build-isolation' in shlex.split(command('numpy', name))) == (not isolated)


@pytest.mark.parametrize(
    ('kept', 'doubled', 'removed', 'stack'),
    [
        (['mmengine', 'mmdet'], ['mmcv', 'onedl-mmcv'], [], 'openmmlab'),
        (['onedl-mmengine', 'onedl-mmdetection'], ['mmcv', 'onedl-mmcv'], [], 'onedl'),
        (['onedl-mmengine'], ['mmcv', 'onedl-mmcv', 'mmdet', 'onedl-mmdetection'], [], 'onedl'),
        ([], ['mmcv', 'onedl-mmcv'], [], 'openmmlab'),
        # Neither stack could be set up over what is left of both.
        (['mmengine', 'onedl-mmdetection'], ['mmcv', 'onedl-mmcv'], ['mmengine'], 'onedl'),
    ],
)
@pytest.mark.parametrize('script', [True, False])
def test_what_is_left_decides_about_the_stack(
    place, monkeypatch, kept, doubled, removed, stack, script
):
    if not script:
        monkeypatch.setattr(versions, 'SETUP_SCRIPTS', ())
    command = mend_stacks(dict.fromkeys([*kept, *doubled], '1'), doubled)
    first, _, then = command.partition(' && ')
    assert shlex.split(first) == shlex.split(pip('uninstall', '-y', *sorted([*doubled, *removed])))
    if script:
        assert then == set_up(stack)
    else:
        missing = [read_requirements()[name] for name in STACKS[stack] if name not in kept]
        installed = [word for word in shlex.split(then) if '==' in word]
        assert sorted(installed) == sorted(missing)
        assert shlex.split(then)[-1].startswith(f'{STACKS[stack][0]}==')  # mmcv is built


def test_a_package_is_replaced_and_mmcv_keeps_its_operators(place, monkeypatch):
    installed = {'mmcv': '2.1.0', 'scipy': '1'}
    assert replace(installed, 'scipy') == reinstall(installed, 'scipy')
    assert replace(installed, 'mmcv') == f'{pip("uninstall", "-y", "mmcv")} && {set_up()}'
    assert replace({}, 'mmcv') == set_up()
    monkeypatch.setattr(versions, 'SETUP_SCRIPTS', ())
    assert replace(installed, 'mmcv') == mend_mmcv(installed)


@pytest.mark.parametrize(
    ('there', 'script'), [(True, '{place}/a clone/setup_env.sh'), (False, 'tools/setup_env.sh')]
)
def test_another_environment_is_made_by_the_script_where_it_lies(place, there, script):
    if not there:
        (place / 'a clone/setup_env.sh').unlink()
    words = shlex.split(set_up_elsewhere('MMPS_VENV=DIR'))
    assert words == ['MMPS_VENV=DIR', 'bash', script.format(place=place)]


def test_the_script_of_an_installed_wheel_is_found(tmp_path, monkeypatch):
    scripts = [tmp_path / 'tools' / 'setup_env.sh', tmp_path / 'mmps/.mim/tools/setup_env.sh']
    monkeypatch.setattr(versions, 'SETUP_SCRIPTS', tuple(scripts))
    scripts[1].parent.mkdir(parents=True)
    scripts[1].touch()
    assert shlex.split(set_up_elsewhere())[-1] == str(scripts[1])
