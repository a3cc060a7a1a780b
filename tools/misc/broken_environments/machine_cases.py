"""Machines that lack a compiler, room, a folder to write to, or a Python that is new enough."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from place import Place
from trial import (
    SET_UP,
    Case,
    Verdict,
    ask_doctor,
    ask_set_up,
    set_up_works,
    split_sentence,
    the_only_one,
    variables_of,
)

from mmps.doctor.versions import read_python_span

COMPILERS = r'(.*-)?(gcc|g\+\+|cc|c\+\+|c89|c99|clang|clang\+\+)(-[\d.]+)?'
PYTHONS = r'python[\d.]*'


def no_compiler(place: Place) -> Verdict:
    """Set-up, in an environment without mmcv, with no wheel of it and no compiler."""
    place.copy_environment()
    place.pip('uninstall', '-y', 'mmcv')
    whole_path = place.environ['PATH']
    place.environ['PATH'] = str(link_programs(whole_path, place.new_folder('bin'), COMPILERS))
    place.environ['MMPS_VENV'] = str(place.env)
    place.environ['MMPS_CACHE'] = str(place.new_folder('cache'))
    place.environ['PIP_CACHE_DIR'] = str(place.new_folder('pip'))
    found, cure = split_sentence(ask_set_up(place))
    place.environ['PATH'] = whole_path
    return Verdict(found, cure, set_up_comes_to(place, 'building mmcv'))


def full_disk(place: Place) -> Verdict:
    """Set-up of a new environment on a disk of 64 MiB."""
    disk = place.new_folder('disk')
    place.wrapper = mounting('mount -t tmpfs -o size=64m none "$1"', disk)
    place.environ['MMPS_VENV'] = str(disk / 'env')
    found, cure = split_sentence(ask_set_up(place))
    place.environ |= variables_of(cure, DIR=place.folder / 'elsewhere')
    return Verdict(found, cure, set_up_works(place))


def full_temporary_folder(place: Place) -> Verdict:
    """The doctor, with TMPDIR on a disk that is full to the last byte."""
    disk = place.new_folder('disk')
    place.copy_environment()
    fill = 'mount -t tmpfs -o size=1m none "$1" && ! cat /dev/zero >"$1/full" 2>/dev/null'
    place.wrapper = mounting(fill, disk)
    place.environ['TMPDIR'] = str(disk)
    return by_variables(place)


def read_only_home(place: Place) -> Verdict:
    """Set-up in a checkout in a home that cannot be written."""
    home = place.new_folder('home')
    keep_settings_of_home(place)
    link_wheels(home / '.cache' / 'mmps')
    place.copy_checkout(home / 'mmps')
    place.environ['HOME'] = str(home)
    place.wrapper = mounting('mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', home)
    found, cure = split_sentence(ask_set_up(place))
    place.environ |= variables_of(cure, DIR=place.folder / 'elsewhere')
    return Verdict(found, cure, set_up_works(place))


def read_only_cache(place: Place) -> Verdict:
    """The doctor, in a working environment, with a home that cannot be written."""
    home = place.new_folder('home')
    place.copy_environment()
    keep_settings_of_home(place)
    place.environ['HOME'] = str(home)
    place.wrapper = mounting('mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', home)
    return by_variables(place)


def python_too_old(place: Place) -> Verdict:
    """Set-up where ``python3`` is older than the oldest tested one, and there is no other."""
    programs = link_programs(place.environ['PATH'], place.new_folder('bin'), PYTHONS)
    (programs / 'python3').symlink_to(find_old_python() or write_stub(place.folder / 'python3'))
    place.environ |= {'PATH': str(programs), 'MMPS_VENV': str(place.folder / 'elsewhere')}
    found, cure = split_sentence(ask_set_up(place))
    good = Path(sys.base_prefix) / 'bin' / 'python3'
    place.environ |= variables_of(cure, **{'/path/to/python': good})
    return Verdict(found, cure, set_up_works(place))


def by_variables(place: Place) -> Verdict:
    """Ask the doctor, set the variables that its cure names, and ask again."""
    complaint = the_only_one(ask_doctor(place))
    place.environ |= variables_of(complaint['cure'], DIR=place.new_folder('elsewhere'))
    return Verdict(complaint['found'], complaint['cure'], not ask_doctor(place))


def set_up_comes_to(place: Place, line: str) -> bool:
    """Run set-up until it prints a line, and stop it there; whether it came so far.

    Args:
        place: Where to run it.
        line: A part of the line.
    """
    with subprocess.Popen(
        [*place.wrapper, *shlex.split(SET_UP)],
        cwd=place.checkout,
        env=place.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        came = any(line in printed for printed in process.stdout)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    return came


def link_programs(path: str, folder: Path, left_out: str) -> Path:
    """Fill a folder with links to the programs on a path.

    Args:
        path: Folders, as in ``PATH``.
        folder: The folder to fill.
        left_out: A regular expression for the names to leave out.
    """
    for source in path.split(os.pathsep):
        for program in Path(source).iterdir() if Path(source).is_dir() else ():
            link = folder / program.name
            if not (re.fullmatch(left_out, program.name) or link.is_symlink()):
                link.symlink_to(program)
    return folder


def mounting(script: str, folder: Path) -> tuple[str, ...]:
    """What a command is run by to see a mount of its own.

    Args:
        script: Mounts ``$1``.
        folder: Where to mount.
    """
    own_user = () if os.geteuid() == 0 else ('--map-root-user',)
    return (
        *('unshare', '--mount', *own_user, 'bash', '-c'),
        *(f'{script} && shift && exec "$@"', 'mounting', str(folder)),
    )


def can_mount() -> bool:
    """Whether this user may mount in a namespace of his own."""
    if shutil.which('unshare') is None:
        return False
    command = [*mounting('mount -t tmpfs none "$1"', Path('/mnt')), 'true']
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def keep_settings_of_home(place: Place) -> None:
    """Let pip find its settings although HOME is another one, and nothing else."""
    settings = Path('~/.config/pip/pip.conf').expanduser()
    if settings.is_file():
        place.environ.setdefault('PIP_CONFIG_FILE', str(settings))
    for name in ('XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'MMPS_CACHE', 'MPLCONFIGDIR'):
        place.environ.pop(name, None)


def wheel_cache() -> Path:
    """Where ``tools/setup_env.sh`` keeps the wheels that it built."""
    home = Path(os.environ.get('XDG_CACHE_HOME') or Path('~/.cache').expanduser())
    return Path(os.environ.get('MMPS_CACHE') or home / 'mmps')


def link_wheels(target: Path) -> None:
    """Put the wheels that were built earlier into another cache."""
    for wheel in wheel_cache().glob('*/*.whl'):
        folder = target / wheel.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(wheel, folder)


def find_old_python() -> Path | None:
    """An interpreter that is too old, among the programs and pyenv's versions."""
    (_, oldest), _ = read_python_span()
    versions = Path(os.environ.get('PYENV_ROOT') or Path('~/.pyenv').expanduser()) / 'versions'
    named = [shutil.which(f'python3.{minor}') for minor in range(oldest - 1, 5, -1)]
    installed = sorted(versions.glob('3.*/bin/python3'), reverse=True)
    for candidate in [Path(name) for name in named if name] + installed:
        ask = [str(candidate), '-c', 'import sys; print(*sys.version_info[:2])']
        told = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.split()
        if told and (int(told[0]), int(told[1])) < (3, oldest):
            return candidate
    return None


def write_stub(path: Path) -> Path:
    """Write a program that only says that it is an old Python."""
    path.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.18\nexit 1\n')
    path.chmod(0o755)
    return path


MACHINE_CASES = (
    Case(
        'no-compiler',
        no_compiler,
        'the compiler is off PATH and comes back on it, instead of apt-get; what follows is '
        'stopped where the build begins',
    ),
    Case('full-disk', full_disk, 'the disk is a tmpfs of 64 MiB', mounts=True),
    Case('full-tmpdir', full_temporary_folder, 'the disk is a tmpfs of 1 MiB', mounts=True),
    Case('read-only-home', read_only_home, 'a read-only bind mount', mounts=True),
    Case('read-only-cache', read_only_cache, 'a read-only bind mount', mounts=True),
    Case('python-too-old', python_too_old),
)
