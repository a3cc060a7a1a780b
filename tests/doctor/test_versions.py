from __future__ import annotations

import shlex
import sys

import pytest

from mmps.doctor import versions
from mmps.doctor.versions import (
    STACKS,
    is_onedl,
    pip,
    read_python_span,
    read_requirements,
    read_tested_torches,
    replace,
    set_up,
    set_up_elsewhere,
    upgrade,
)


def test_requirements_are_read(tmp_path):
    path = tmp_path / 'versions.txt'
    path.write_text('# head\n# python: 3.8 to 3.14\n# torch: 1.0, 2.0\n\na==1.0  # why\nb>=2,<3\n')
    assert read_requirements(path) == {'a': 'a==1.0', 'b': 'b>=2,<3'}
    assert read_python_span(path) == ((3, 8), (3, 14))
    assert read_tested_torches(path) == ('1.0', '2.0')


def test_the_file_names_both_stacks_and_a_tested_torch():
    names = ('mmcv', 'mmengine', 'mmdet', 'onedl-mmcv', 'onedl-mmengine', 'onedl-mmdetection')
    assert all('==' in read_requirements()[name] for name in (*names, 'torch'))
    assert read_requirements()['torch'].partition('==')[2] in read_tested_torches()


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


def test_an_upgrade_stays_within_the_tested_versions():
    words = shlex.split(upgrade('numpy', 'rich'))
    assert words[-3:] == ['--upgrade', read_requirements()['numpy'], 'rich']


def test_the_fork_is_known_by_its_packages():
    assert all(is_onedl({name: '1'}) for name in STACKS['onedl'])
    assert not any(is_onedl({name: '1'}) for name in STACKS['openmmlab'])


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
def test_what_is_left_decides_about_the_stack(place, kept, doubled, removed, stack):
    command = replace(dict.fromkeys([*kept, *doubled], '1'), *doubled)
    first, _, then = command.partition(' && ')
    assert shlex.split(first) == shlex.split(pip('uninstall', '-y', *sorted([*doubled, *removed])))
    assert then == set_up(dict.fromkeys(STACKS[stack], '1'))


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
