"""The tested versions, as they stand in ``mmps/versions.txt``, and the commands that repair.

The set-up reads this file too, by its path: it stands alone.
"""

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
SAME_FILES = {
    'mmcv': ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv'),
    'mmengine': ('mmengine', 'onedl-mmengine'),
    'mmdet': ('mmdet', 'onedl-mmdetection'),
}


def read_requirements(path: Path = VERSIONS_FILE) -> dict[str, str]:
    """Read a constraints file.

    Args:
        path: Lines such as ``mmcv==2.1.0``, with comments.

    Returns:
        Name to the whole requirement.
    """
    lines = (line.partition('#')[0].strip() for line in path.read_text('utf-8').splitlines())
    return {re.split(r'[=<>!~]', line, maxsplit=1)[0]: line for line in lines if line}


def read_tested(name: str, path: Path = VERSIONS_FILE) -> list[str]:
    """Read a comment about tested versions, such as ``# torch: 2.13.0, 2.14.1``.

    Args:
        name: What was tested: ``torch``, or ``python`` for its oldest and its newest version.
        path: The constraints file.
    """
    line = re.search(rf'^# {name}: (.+)$', path.read_text('utf-8'), re.M)
    return re.split(', | to ', line.group(1))


def set_up(installed: dict[str, str], *options: str) -> str:
    """The shell command that repairs this environment: it keeps what works, and nothing else.

    Args:
        installed: Installed distributions, which show the stack.
        options: Further options of ``tools/setup_env.sh``.
    """
    stack = ['MMPS_STACK=onedl'] if is_onedl(installed) else []
    return ' '.join([*stack, set_up_in(shlex.quote(sys.prefix)), *options])


def set_up_in(folder: str) -> str:
    """The shell command that makes or repairs the environment in a folder.

    Args:
        folder: The folder, quoted where the shell needs it, or a placeholder.
    """
    script = next((s for s in SETUP_SCRIPTS if s.is_file()), Path('tools', 'setup_env.sh'))
    return f'MMPS_VENV={folder} bash {shlex.quote(str(script))}'


def replace(installed: dict[str, str], *names: str) -> str:
    """The shell command that removes packages and sets up again, which brings back what is needed.

    Args:
        installed: Installed distributions.
        names: Those that cannot be trusted.
    """
    return f'{pip("uninstall", "-y", *names)} && {set_up(installed)}'


def pip(*arguments: str) -> str:
    """The shell command that runs this interpreter's pip.

    Args:
        arguments: What follows ``pip``; quoted where the shell needs it.
    """
    return shlex.join([sys.executable, '-m', 'pip', *arguments])


def is_onedl(installed: dict[str, str]) -> bool:
    """Whether more of the maintained fork than of OpenMMLab's releases is installed.

    Args:
        installed: Installed distributions.
    """
    count = {stack: len(installed.keys() & {*names}) for stack, names in STACKS.items()}
    return count['onedl'] > count['openmmlab']
