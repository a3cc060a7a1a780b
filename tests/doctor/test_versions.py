from __future__ import annotations

import shlex
import sys

import pytest

from mmps.doctor import versions
from mmps.doctor.versions import (
    STACKS,
    is_onedl,
    pip,
    read_requirements,
    read_tested,
    replace,
    set_up,
    set_up_in,
)


def test_requirements_are_read(tmp_path):
    path = tmp_path / 'versions.txt'
    path.write_text('# head\n# python: 3.8 to 3.14\n# torch: 1.0, 2.0\n\na==1.0  # why\nb>=2,<3\n')
    assert read_requirements(path) == {'a': 'a==1.0', 'b': 'b>=2,<3'}
    assert read_tested('python', path) == ['3.8', '3.14']
    assert read_tested('torch', path) == ['1.0', '2.0']


def test_the_file_names_both_stacks_and_a_tested_torch():
    names = ('mmcv', 'mmengine', 'mmdet', 'onedl-mmcv', 'onedl-mmengine', 'onedl-mmdetection')
    assert all('==' in read_requirements()[name] for name in (*names, 'torch'))
    assert read_requirements()['torch'].partition('==')[2] in read_tested('torch')


def test_commands_survive_the_shell(monkeypatch):
    monkeypatch.setattr(sys, 'executable', '/a b/python')
    assert shlex.split(pip('install', 'numpy<3')) == [
        '/a b/python',
        '-m',
        'pip',
        'install',
        'numpy<3',
    ]


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
    ('installed', 'options', 'stack'),
    [
        ({'mmcv': '2.2.0'}, [], []),
        ({'mmcv': '2.1.0'}, ['--gpu'], []),
        ({'onedl-mmcv': '2.3.6'}, [], ['MMPS_STACK=onedl']),
    ],
)
def test_an_environment_is_repaired_by_the_script(place, installed, options, stack):
    environment, script = f'MMPS_VENV={place}/an env', f'{place}/a clone/setup_env.sh'
    words = shlex.split(set_up(installed, *options))
    assert words == [*stack, environment, 'bash', script, *options]


@pytest.mark.parametrize(
    ('installed', 'fork'),
    [
        (STACKS['onedl'], True),
        ([*STACKS['onedl'], 'mmcv'], True),
        (STACKS['onedl'][:1], True),
        (STACKS['openmmlab'], False),
        ([*STACKS['openmmlab'], 'onedl-mmcv'], False),
        ([], False),
    ],
)
def test_the_stack_is_the_one_of_which_more_is_there(installed, fork):
    assert is_onedl(dict.fromkeys(installed, '1')) is fork


def test_what_is_replaced_comes_back_by_the_set_up(place):
    first, _, then = replace({'mmcv': '2.2.0'}, 'mmcv').partition(' && ')
    assert shlex.split(first) == shlex.split(pip('uninstall', '-y', 'mmcv'))
    assert then == set_up({'mmcv': '2.2.0'})


@pytest.mark.parametrize(
    ('there', 'script'), [(True, '{place}/a clone/setup_env.sh'), (False, 'tools/setup_env.sh')]
)
def test_another_environment_is_made_by_the_script_where_it_lies(place, there, script):
    if not there:
        (place / 'a clone/setup_env.sh').unlink()
    words = shlex.split(set_up_in('DIR'))
    assert words == ['MMPS_VENV=DIR', 'bash', script.format(place=place)]


def test_the_script_of_an_installed_wheel_is_found(tmp_path, monkeypatch):
    scripts = [tmp_path / 'tools' / 'setup_env.sh', tmp_path / 'mmps/.mim/tools/setup_env.sh']
    monkeypatch.setattr(versions, 'SETUP_SCRIPTS', tuple(scripts))
    scripts[1].parent.mkdir(parents=True)
    scripts[1].touch()
    assert shlex.split(set_up_in('DIR'))[-1] == str(scripts[1])
