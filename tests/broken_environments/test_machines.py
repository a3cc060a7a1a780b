"""Machines without a compiler, room, a folder to write to, or a Python that is new enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmps.doctor.versions import read_tested

pytestmark = pytest.mark.long

COMPILERS = r'(.*-)?(gcc|g\+\+|cc|c\+\+|c89|c99|clang|clang\+\+)(-[\d.]+)?'
PYTHONS = r'python[\d.]*'
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'


def mounting(script, folder):
    """What a command is run by to see a mount of its own."""
    own_user = () if os.geteuid() == 0 else ('--map-root-user',)
    run = ('unshare', '--mount', *own_user, 'bash', '-c')
    return (*run, f'{script} && shift && exec "$@"', 'mounting', str(folder))


@pytest.fixture
def mount(place):
    command = [*mounting('mount -t tmpfs none "$1"', '/mnt'), 'true']
    if not shutil.which('unshare') or subprocess.run(command, check=False).returncode:
        pytest.skip('needs the right to mount')

    def set_wrapper(script, folder):
        place.wrapper = mounting(script, folder)

    return set_wrapper


def link_programs(path, folder, left_out):
    """Fill a folder with links to the programs on a path."""
    for source in path.split(os.pathsep):
        for program in Path(source).iterdir() if Path(source).is_dir() else ():
            link = folder / program.name
            if not (re.fullmatch(left_out, program.name) or link.is_symlink()):
                link.symlink_to(program)
    return str(folder)


def keep_settings_of_pip(place, home):
    """Let pip find its settings although HOME is another one, and nothing else."""
    settings = Path('~/.config/pip/pip.conf').expanduser()
    if settings.is_file():
        place.environ.setdefault('PIP_CONFIG_FILE', str(settings))
    for name in ('XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'MPLCONFIGDIR'):
        place.environ.pop(name, None)
    place.environ['HOME'] = str(home)


def test_no_compiler(place):
    """The compiler comes back on PATH, instead of by the package manager."""
    place.copy_environment()
    place.pip('uninstall', '-y', 'mmcv')
    whole_path = place.environ['PATH']
    place.environ['PATH'] = link_programs(whole_path, place.new_folder('bin'), COMPILERS)
    place.environ['MMPS_VENV'] = str(place.env)
    found, fix = place.set_up_fails()
    assert 'have to be compiled' in found
    assert 'install a C++ compiler' in fix
    place.environ['PATH'] = whole_path
    assert place.set_up_works()


def test_a_full_disk(place, mount):
    disk = place.new_folder('disk')
    mount('mount -t tmpfs -o size=64m none "$1"', disk)
    place.environ['MMPS_VENV'] = str(disk / 'env')
    found, fix = place.set_up_fails()
    assert 'has 64 MiB free' in found
    place.follow(fix, DIR=place.folder / 'elsewhere')
    assert place.set_up_works()


def test_a_full_temporary_folder(place, mount):
    disk = place.new_folder('disk')
    place.copy_environment()
    fill = 'mount -t tmpfs -o size=1m none "$1" && ! cat /dev/zero >"$1/full" 2>/dev/null'
    mount(fill, disk)
    place.environ['TMPDIR'] = str(disk)
    complaint = place.only_complaint()
    assert '0.0 GiB free' in complaint['found']
    place.follow(complaint['fix'], DIR=place.new_folder('elsewhere'))
    assert place.complaints() == []


def test_a_read_only_home(place, mount):
    home = place.new_folder('home')
    place.copy_checkout(home / 'mmps')
    keep_settings_of_pip(place, home)
    mount(READ_ONLY, home)
    found, fix = place.set_up_fails()
    assert 'cannot write' in found
    place.follow(fix, DIR=place.folder / 'elsewhere')
    assert place.set_up_works()


def test_a_read_only_cache(place, mount):
    home = place.new_folder('home')
    place.copy_environment()
    keep_settings_of_pip(place, home)
    mount(READ_ONLY, home)
    complaint = place.only_complaint()
    assert 'not writable' in complaint['found']
    place.follow(complaint['fix'], DIR=place.new_folder('elsewhere'))
    assert place.complaints() == []


def test_a_python_that_is_too_old(place):
    programs = place.new_folder('bin')
    place.environ['PATH'] = link_programs(place.environ['PATH'], programs, PYTHONS)
    place.environ['MMPS_VENV'] = str(place.folder / 'elsewhere')
    (programs / 'python3').symlink_to(old_python() or stand_in(place.folder / 'python3'))
    found, fix = place.set_up_fails()
    assert re.search(r'no Python 3\.\d+ to 3\.\d+ is there', found)
    place.follow(fix, **{'/path/to/python': Path(sys.base_prefix) / 'bin' / 'python3'})
    assert place.set_up_works()


def old_python():
    """An interpreter that is too old, among the programs and pyenv's versions."""
    oldest = int(read_tested('python')[0].partition('.')[2])
    versions = Path(os.environ.get('PYENV_ROOT') or Path('~/.pyenv').expanduser()) / 'versions'
    named = [shutil.which(f'python3.{minor}') for minor in range(oldest - 1, 5, -1)]
    for candidate in [*filter(None, named), *sorted(versions.glob('3.*/bin/python3'))]:
        ask = [str(candidate), '-c', 'import sys; print(sys.version_info[1])']
        answer = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
        if answer.strip() and int(answer) < oldest:
            return candidate
    return None


def stand_in(path):
    """A program that only says that it is an old Python."""
    path.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.18\nexit 1\n')
    path.chmod(0o755)
    return path
