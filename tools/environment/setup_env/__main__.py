"""Installs what mmps needs into the running interpreter's environment; keeps what works there.

Called by tools/setup_env.sh. Needs nothing but the standard library and pip.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from installer import (
    ENVIRONMENT,
    Installer,
    SetupError,
    can_write,
    find_cure,
    is_installed,
    say,
)
from operators import Operators

TORCH_ROOM = 4 * 2**30
# What builds compiled packages, and mmps, and what each has to import for it.
BUILD_TOOLS = {
    'setuptools': 'import pkg_resources; from setuptools.command import editable_wheel',
    'wheel': 'import wheel',
    'ninja': 'import ninja',
    'numpy': 'import numpy',
}
# As the doctor's probe of them.
EXTRAS = {
    'matplotlib': 'import matplotlib.figure',
    'pycocotools': 'import pycocotools.mask',
    'rich': 'import rich.progress',
    'scipy': 'import scipy.optimize',
}
FRAMEWORKS = {
    'openmmlab': ('mmcv', 'mmengine', 'mmdet'),
    'onedl': ('onedl-mmcv', 'onedl-mmengine', 'onedl-mmdetection'),
}
# The fork's source needs the setuptools of this environment.
FROM_SOURCE = ('--no-build-isolation',)
# What an installation of mmps is made of.
SOURCES = ('mmps', 'configs', 'tools', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE')


def main() -> int:
    """Install what is missing or broken, and try everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', type=Path, required=True)
    parser.add_argument('--versions', type=Path, required=True)
    parser.add_argument('--stack', choices=FRAMEWORKS, required=True)
    parser.add_argument('--torch', default='')
    parser.add_argument('--tests', action='store_true')
    operators = parser.add_mutually_exclusive_group()
    for device in ('gpu', 'cpu'):
        operators.add_argument(
            f'--{device}', dest='device', action='store_const', const=device, default=''
        )
    options = parser.parse_args()
    installer = Installer(options.versions.resolve(), options.torch)
    # SIGINT is ignored in background jobs, which still end by SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        set_up(installer, options)
    except (SetupError, OSError) as error:
        cure = f': {find_cure(str(error))}' if isinstance(error, OSError) else ''
        say(f'FAILED: {error}{cure}')
        say(f'What is done is kept: fix it and run again. The log: {installer.log}')
        return 1
    except KeyboardInterrupt:
        say('interrupted: run again to go on from here')
        return 130
    return 0


def set_up(installer: Installer, options: argparse.Namespace) -> None:
    """All steps; each keeps what works already."""
    # An environment that is ready need not be writable.
    if not is_ready(installer, options):
        say(f'setting up {ENVIRONMENT} (log: {installer.log})')
        check_other_stack(options.stack)
        mmcv, *frameworks = FRAMEWORKS[options.stack]
        operators = Operators(installer, mmcv, options.device)
        operators.check_compiler()
        ensure_torch(installer)
        operators.start()
        ensure_packages(installer, frameworks)
        ensure_mmps(installer, options.root, options.tests)
        operators.finish()
        if not installer.works('mmdet'):
            installer.replace(frameworks[-1], options=FROM_SOURCE)
        report = installer.call('-m', 'mmps.doctor', '--brief')
        if report.returncode:
            raise SetupError(f'the installed parts do not fit:\n{report.stdout}{report.stderr}')
    say(f'the environment {ENVIRONMENT} is ready')


def is_ready(installer: Installer, options: argparse.Namespace) -> bool:
    """Whether everything that is asked for is installed and works."""
    # The probes find mmps in the checkout, whether it is installed or not.
    if not is_installed('mmps') or is_outdated_copy(options.root):
        return False
    if options.tests and any(not is_installed(name) for name in test_packages()):
        return False
    works = installer.works('torch', 'extras', 'mmdet', 'ops')
    asked = not options.torch or metadata.version('torch').partition('+')[0] == options.torch
    return bool(works and asked and (works['gpu'] or options.device != 'gpu'))


def ensure_torch(installer: Installer) -> None:
    """NumPy, what builds compiled packages, and torch."""
    free = shutil.disk_usage(ENVIRONMENT).free
    if free < TORCH_ROOM and not is_installed('torch'):
        raise SetupError(
            f'the disk of {ENVIRONMENT} has {free >> 20} MiB free and torch and mmcv need '
            f'{TORCH_ROOM >> 20}: free some, or name a folder on another disk with MMPS_VENV=DIR'
        )
    broken = failing(installer, BUILD_TOOLS)
    found = installer.works('torch')
    if found and installer.torch in ('', found['version'].partition('+')[0]):
        say(f'keeping torch {found["version"]}')
    else:
        say('torch: 200 MB to download for a CPU build, several GB for a CUDA build')
        broken.append('torch')
    installer.replace(*broken)
    if not installer.works('torch'):
        raise SetupError(f'torch is there but fails: `{sys.executable} -m mmps.doctor` says why')


def ensure_packages(installer: Installer, frameworks: list[str]) -> None:
    """MMEngine, MMDetection and the plain packages: those that are missing or fail, no other."""
    kept = [f'{name} {metadata.version(name)}' for name in frameworks if is_installed(name)]
    if kept:
        say(f'keeping {" and ".join(kept)}')
    missing = [name for name in frameworks if not is_installed(name)]
    installer.replace(*missing, *failing(installer, EXTRAS), options=FROM_SOURCE)
    if not installer.works('opencv'):
        installer.replace('numpy', 'opencv-python')
    if not installer.works('mmengine'):
        installer.replace(frameworks[0])


def failing(installer: Installer, packages: dict[str, str]) -> list[str]:
    """The packages of which what they are needed for does not run."""
    return [name for name, code in packages.items() if installer.call('-c', code).returncode]


def ensure_mmps(installer: Installer, root: Path, tests: bool) -> None:
    """Mmps from the checkout, editable where that can be written; a wheel brings itself."""
    if not (root / 'setup.py').is_file():
        return
    extra = '[tests]' if tests else ''
    install = ('install', '--no-build-isolation', *installer.constraints)
    if can_write(root):
        say(f'installing mmps (editable){" and what its tests need" if tests else ""}')
        installer.pip(*install, '-e', f'{root}{extra}')
        return
    say(f'{root} cannot be written: installing a copy of mmps')
    with tempfile.TemporaryDirectory() as folder:
        for name in SOURCES:
            copy = shutil.copytree if (root / name).is_dir() else shutil.copy
            copy(root / name, Path(folder, name))
        installer.pip(*install, f'{folder}{extra}')


def is_outdated_copy(root: Path) -> bool:
    """Whether a copy is installed of a checkout that has changed since.

    An editable installation follows its checkout by itself.
    """
    done = metadata.distribution('mmps').read_text('direct_url.json') or '"editable": true'
    if not (root / 'setup.py').is_file() or re.search(r'"editable": *true', done):
        return False
    installed = metadata.distribution('mmps').locate_file('mmps')
    ours = {p.relative_to(root / 'mmps'): p for p in (root / 'mmps').rglob('*.py')}
    return any(
        not (installed / name).is_file() or (installed / name).read_bytes() != path.read_bytes()
        for name, path in ours.items()
    )


def test_packages() -> list[str]:
    """Names of the packages that the tests need."""
    wanted = [
        line for line in metadata.requires('mmps') or () if re.search(r'extra == .tests', line)
    ]
    return [re.match(r'[\w.-]+', line).group() for line in wanted]


def check_other_stack(stack: str) -> None:
    """Refuse to install one stack over the other: both use the same import names."""
    other = next(packages for name, packages in FRAMEWORKS.items() if name != stack)
    there = [name for name in other if is_installed(name)]
    if there:
        raise SetupError(
            f'{ENVIRONMENT} holds {there[0]}, which the stack {stack} would overwrite: '
            'deactivate it, or name another environment with MMPS_VENV=DIR'
        )


if __name__ == '__main__':
    sys.exit(main())
