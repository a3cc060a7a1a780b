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
# Their source needs the setuptools of the environment.
BUILT_HERE = ('onedl-mmdetection',)


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
    return _install(names)


def replace(installed: dict[str, str], name: str) -> str:
    """The shell command that puts one fresh package in the place of an installed one.

    Args:
        installed: Installed distributions.
        name: Its name; MMCV under any of its names comes back with compiled operators.
    """
    if name not in SAME_FILES[0]:
        return reinstall(installed, name)
    # The script keeps an MMCV that works.
    remove = f'{pip("uninstall", "-y", name)} && ' if name in installed else ''
    stack = _stack_of(installed)
    by_script = set_up(stack)
    return remove + by_script if by_script else _build_mmcv(installed, stack)


def upgrade(*names: str) -> str:
    """The shell command that brings packages to versions within the tested ones.

    Args:
        names: Names in ``versions.txt``; others are brought to their newest release.
    """
    return _install(names, '--upgrade')


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
    script = find_setup_script()
    if script is None or not (Path(sys.prefix) / 'bin' / 'python').is_file():
        return ''
    chosen = [f'MMPS_STACK={stack}'] if stack != 'openmmlab' else []
    environment = [*chosen, f'MMPS_VENV={shlex.quote(sys.prefix)}']
    return ' '.join([*environment, shlex.join(['bash', str(script), *options])])


def set_up_elsewhere(*settings: str) -> str:
    """The shell command that makes another environment by ``tools/setup_env.sh``.

    Args:
        settings: Environment variables to set, such as ``MMPS_VENV=DIR``, with placeholders.
    """
    script = find_setup_script() or Path('tools', 'setup_env.sh')
    return ' '.join([*settings, 'bash', shlex.quote(str(script))])


def find_setup_script() -> Path | None:
    """Path of ``setup_env.sh``, in a checkout or in an installed wheel."""
    return next((path for path in SETUP_SCRIPTS if path.is_file()), None)


def mend_mmcv(installed: dict[str, str], gpu: bool = False) -> str:
    """The shell command that leaves an MMCV whose operators work with the torch at hand.

    Args:
        installed: Installed distributions; tells which stack's MMCV is meant.
        gpu: Whether operators for the GPU are wanted.
    """
    options = ['--gpu'] if gpu else []
    stack = _stack_of(installed)
    return set_up(stack, *options) or _build_mmcv(installed, stack, gpu)


def mend_stacks(installed: dict[str, str], doubled: list[str]) -> str:
    """The shell command that leaves one stack where packages overwrote each other's files.

    Args:
        installed: Installed distributions.
        doubled: Those among them whose files cannot be trusted.
    """
    kept = {name: version for name, version in installed.items() if name not in doubled}
    stack = _stack_of(kept)
    # The set-up of one stack refuses an environment that holds any part of the other one.
    foreign = [name for other in STACKS if other != stack for name in STACKS[other]]
    removed = sorted({*doubled, *(name for name in foreign if name in kept)})
    remove = pip('uninstall', '-y', *removed)
    by_script = set_up(stack)
    if by_script:
        return f'{remove} && {by_script}'
    mmcv, *frameworks = STACKS[stack]
    missing = [name for name in frameworks if name not in kept]
    steps = [remove, install(*missing)] if missing else [remove]
    steps += [] if mmcv in kept else [_build_mmcv(kept, stack)]
    return ' && '.join(steps)


def _build_mmcv(installed: dict[str, str], stack: str, gpu: bool = False) -> str:
    wanted = read_requirements()[STACKS[stack][0]]
    old = [name for name in SAME_FILES[0] if name in installed]
    build = pip('install', '--no-build-isolation', '--no-cache-dir', wanted)
    steps = [pip('uninstall', '-y', *old)] if old else []
    force = 'FORCE_CUDA=1 ' if gpu else ''
    steps += [install('setuptools', 'wheel', 'ninja', 'numpy'), f'{force}MMCV_WITH_OPS=1 {build}']
    return ' && '.join(steps)


def is_onedl(installed: dict[str, str]) -> bool:
    """Whether the maintained fork, rather than OpenMMLab's releases, is installed.

    Args:
        installed: Installed distributions.
    """
    return any(name in installed for name in STACKS['onedl'])


def _stack_of(installed: dict[str, str]) -> str:
    return 'onedl' if is_onedl(installed) else 'openmmlab'


def _install(names: tuple[str, ...], *options: str) -> str:
    requirements = read_requirements()
    isolated = [] if set(names).isdisjoint(BUILT_HERE) else ['--no-build-isolation']
    wanted = [requirements.get(name, name) for name in names]
    return pip('install', *options, *isolated, *wanted)
