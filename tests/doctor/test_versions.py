from __future__ import annotations

import shlex
import sys

import pytest

from mmps.doctor.versions import (
    install,
    is_onedl,
    pip,
    read_python_span,
    read_requirements,
    rebuild_mmcv,
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
def test_mmcv_is_rebuilt_for_its_stack(installed, removed, built):
    command = rebuild_mmcv(installed)
    assert command.split()[-1].startswith(built)
    assert ('uninstall' in command) == (removed is not None)
    assert removed is None or removed in command
    assert '--no-build-isolation --no-cache-dir' in command


def test_the_fork_is_told_by_its_packages():
    assert is_onedl({'onedl-mmdetection': '3.5.1'})
    assert not is_onedl({'mmdet': '3.3.0'})
