"""The tested versions, as they stand in ``mmps/versions.txt``, and pip commands made of them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

VERSIONS_FILE = Path(__file__).resolve().parents[1] / 'versions.txt'


def read_requirements(path: Path = VERSIONS_FILE) -> dict[str, str]:
    """Read a constraints file.

    Args:
        path: Lines such as ``mmcv==2.1.0``, with comments.

    Returns:
        Name to the whole requirement.
    """
    lines = (line.partition('#')[0].strip() for line in path.read_text('utf-8').splitlines())
    return {re.split(r'[=<>!~]', line, maxsplit=1)[0]: line for line in lines if line}


def read_python_span(path: Path = VERSIONS_FILE) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read the line ``# python: 3.10 to 3.12`` of a constraints file.

    Args:
        path: The file.

    Returns:
        The oldest and the newest tested Python, as ``(major, minor)``.
    """
    numbers = re.search(r'^# python: (\d+)\.(\d+) to (\d+)\.(\d+)$', path.read_text('utf-8'), re.M)
    oldest_major, oldest, newest_major, newest = map(int, numbers.groups())
    return (oldest_major, oldest), (newest_major, newest)


def pip(*arguments: str) -> str:
    """The shell command that runs this interpreter's pip.

    Args:
        arguments: What follows ``pip``; quoted where the shell needs it.
    """
    return shlex.join([sys.executable, '-m', 'pip', *arguments])


def install(*names: str) -> str:
    """The shell command that installs the tested versions of packages.

    Args:
        names: Names in ``versions.txt``; others are installed as they are.
    """
    requirements = read_requirements()
    return pip('install', *(requirements.get(name, name) for name in names))


def rebuild_mmcv(installed: dict[str, str]) -> str:
    """The shell command that builds MMCV's compiled operators anew for the torch at hand.

    Args:
        installed: Installed distributions; tells which stack's MMCV is meant.
    """
    name = 'onedl-mmcv' if is_onedl(installed) else 'mmcv'
    old = [n for n in ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv') if n in installed]
    build = pip('install', '--no-build-isolation', '--no-cache-dir', read_requirements()[name])
    steps = [pip('uninstall', '-y', *old)] if old else []
    steps += [install('setuptools', 'wheel', 'ninja', 'numpy'), f'MMCV_WITH_OPS=1 {build}']
    return ' && '.join(steps)


def is_onedl(installed: dict[str, str]) -> bool:
    """Whether the maintained fork, rather than OpenMMLab's releases, is installed.

    Args:
        installed: Installed distributions.
    """
    return 'onedl-mmdetection' in installed or 'onedl-mmcv' in installed
