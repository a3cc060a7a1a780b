"""The tested versions, as they stand in ``mmps/versions.txt``, and the commands that repair."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
VERSIONS_FILE = PACKAGE / 'versions.txt'
# Beside the package in a checkout, within it in an installed wheel.
SETUP_SCRIPTS = (PACKAGE.parent / 'tools' / 'setup_env.sh', PACKAGE / '.mim/tools/setup_env.sh')
# The two stacks have the same import names; MMCV comes under more names than one.
STACKS = {
    'openmmlab': ('mmcv', 'mmengine', 'mmdet'),
    'onedl': ('onedl-mmcv', 'onedl-mmengine', 'onedl-mmdetection'),
}
SAME_FILES = (
    ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv'),
    ('mmengine', 'onedl-mmengine'),
    ('mmdet', 'onedl-mmdetection'),
)


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


def read_tested_torches(path: Path = VERSIONS_FILE) -> tuple[str, ...]:
    """Read the versions of torch that mmps was tested with.

    Args:
        path: The file, with a line such as ``# torch: 2.13.0, 2.14.1``.
    """
    line = re.search(r'^# torch: (.+)$', path.read_text('utf-8'), re.M)
    return tuple(line.group(1).split(', '))


def set_up(installed: dict[str, str], *options: str) -> str:
    """The shell command that repairs this environment: it keeps what works, and nothing else.

    Args:
        installed: Installed distributions, which show the stack.
        options: Further options of ``tools/setup_env.sh``.
    """
    settings = ['MMPS_STACK=onedl'] if is_onedl(installed) else []
    settings.append(f'MMPS_VENV={shlex.quote(sys.prefix)}')
    return ' '.join([set_up_elsewhere(*settings), *options])


def set_up_elsewhere(*settings: str) -> str:
    """The shell command that makes another environment by ``tools/setup_env.sh``.

    Args:
        settings: Environment variables to set, such as ``MMPS_VENV=DIR``, with placeholders.
    """
    script = next((s for s in SETUP_SCRIPTS if s.is_file()), Path('tools', 'setup_env.sh'))
    return ' '.join([*settings, 'bash', shlex.quote(str(script))])


def replace(installed: dict[str, str], *names: str) -> str:
    """The shell command that removes packages and sets up again without them.

    Args:
        installed: Installed distributions.
        names: Those that cannot be trusted.
    """
    left = {name: version for name, version in installed.items() if name not in names}
    # The set-up of one stack refuses an environment that holds any part of the other one.
    other = STACKS['openmmlab' if is_onedl(left) else 'onedl']
    removed = sorted({*names, *(name for name in other if name in left)})
    return f'{pip("uninstall", "-y", *removed)} && {set_up(left)}'


def upgrade(*names: str) -> str:
    """The shell command that brings packages to versions within the tested ones.

    Args:
        names: Names in ``versions.txt``; others are brought to their newest release.
    """
    requirements = read_requirements()
    return pip('install', '--upgrade', *(requirements.get(name, name) for name in names))


def pip(*arguments: str) -> str:
    """The shell command that runs this interpreter's pip.

    Args:
        arguments: What follows ``pip``; quoted where the shell needs it.
    """
    return shlex.join([sys.executable, '-m', 'pip', *arguments])


def is_onedl(installed: dict[str, str]) -> bool:
    """Whether the maintained fork, rather than OpenMMLab's releases, is installed.

    Args:
        installed: Installed distributions.
    """
    return any(name in installed for name in STACKS['onedl'])
