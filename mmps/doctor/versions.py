"""The tested versions, as they stand in ``mmps/versions.txt``, and pip commands made of them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
VERSIONS_FILE = PACKAGE / 'versions.txt'
# Beside the package in a checkout, within it in an installed wheel.
SETUP_SCRIPTS = (PACKAGE.parent / 'tools' / 'setup_env.sh', PACKAGE / '.mim/tools/setup_env.sh')


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


def upgrade(*names: str) -> str:
    """The shell command that brings packages to versions within the tested ones.

    Args:
        names: Names in ``versions.txt``; others are brought to their newest release.
    """
    requirements = read_requirements()
    return pip('install', '--upgrade', *(requirements.get(name, name) for name in names))


def reinstall(installed: dict[str, str], *names: str) -> str:
    """The shell command that installs packages anew: pip takes a broken one for a satisfied one.

    Args:
        installed: Installed distributions; those of the names in it are removed first.
        names: Names in ``versions.txt``.
    """
    broken = [name for name in names if name in installed]
    remove = f'{pip("uninstall", "-y", *broken)} && ' if broken else ''
    return remove + install(*names)


def set_up(stack: str = 'openmmlab', *options: str) -> str:
    """The shell command that mends this environment by ``tools/setup_env.sh``.

    It keeps what works, and takes the MMCV that was built earlier for the torch at hand.

    Args:
        stack: ``openmmlab`` or ``onedl``.
        options: Further options of the script.

    Returns:
        The command, empty where the script or a ``bin/python`` to hand to it is not there.
    """
    script = next((path for path in SETUP_SCRIPTS if path.is_file()), None)
    if script is None or not (Path(sys.prefix) / 'bin' / 'python').is_file():
        return ''
    chosen = [f'MMPS_STACK={stack}'] if stack != 'openmmlab' else []
    environment = [*chosen, f'MMPS_VENV={shlex.quote(sys.prefix)}']
    return ' '.join([*environment, shlex.join(['bash', str(script), *options])])


def mend_mmcv(installed: dict[str, str], gpu: bool = False) -> str:
    """The shell command that leaves an MMCV whose operators work with the torch at hand.

    Args:
        installed: Installed distributions; tells which stack's MMCV is meant.
        gpu: Whether operators for the GPU are wanted.
    """
    stack = 'onedl' if is_onedl(installed) else 'openmmlab'
    options = ['--gpu'] if gpu else []
    return set_up(stack, *options) or _build_mmcv(installed, gpu)


def _build_mmcv(installed: dict[str, str], gpu: bool) -> str:
    name = 'onedl-mmcv' if is_onedl(installed) else 'mmcv'
    old = [n for n in ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv') if n in installed]
    build = pip('install', '--no-build-isolation', '--no-cache-dir', read_requirements()[name])
    steps = [pip('uninstall', '-y', *old)] if old else []
    force = 'FORCE_CUDA=1 ' if gpu else ''
    steps += [install('setuptools', 'wheel', 'ninja', 'numpy'), f'{force}MMCV_WITH_OPS=1 {build}']
    return ' && '.join(steps)


def is_onedl(installed: dict[str, str]) -> bool:
    """Whether the maintained fork, rather than OpenMMLab's releases, is installed.

    Args:
        installed: Installed distributions.
    """
    return 'onedl-mmdetection' in installed or 'onedl-mmcv' in installed
