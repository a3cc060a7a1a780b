"""Installs what mmps needs into the running interpreter's environment; keeps what works there.

Called by tools/setup_env.sh. Needs nothing but the standard library and pip.
"""

from __future__ import annotations

import argparse
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
from lock import locked
from mmcv_wheel import MmcvWheels
from stamp import SOURCES, Stamp, fingerprint, read_stamp, write_stamp

LOCK = ENVIRONMENT / 'mmps-setup.lock'
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
TORCH_ROOM = 4 * 2**30
FRAMEWORKS = {
    'openmmlab': ('mmcv', 'mmengine', 'mmdet'),
    'onedl': ('onedl-mmcv', 'onedl-mmengine', 'onedl-mmdetection'),
}


def main() -> int:
    """Install, try, and note that it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', type=Path, required=True)
    parser.add_argument('--versions', type=Path, required=True)
    parser.add_argument('--stack', choices=FRAMEWORKS, required=True)
    operators = parser.add_mutually_exclusive_group()
    for device in ('gpu', 'cpu'):
        operators.add_argument(
            f'--{device}', dest='operators', action='store_const', const=device, default=''
        )
    options = parser.parse_args()
    installer = Installer(options.versions.resolve())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        set_up(installer, options)
    except (SetupError, OSError) as error:
        cure = f': {find_cure(str(error))}' if isinstance(error, OSError) else ''
        say(f'FAILED: {error}{cure}')
        say(f'What is done is kept: mend it and run again. The log: {installer.log}')
        return 1
    except KeyboardInterrupt:
        say('interrupted: run again to go on from here')
        return 130
    return 0


def set_up(installer: Installer, options: argparse.Namespace) -> None:
    """All steps, each left out where its part works already."""
    key = fingerprint(options.stack, options.root, options.versions)
    # An environment that is ready need not be writable.
    if not is_ready(installer, key, options.operators):
        with locked(LOCK):
            if not is_ready(installer, key, options.operators):
                install_all(installer, options, key)
    say(f'the environment {ENVIRONMENT} is ready')


def is_ready(installer: Installer, key: str, operators: str) -> bool:
    """Whether set-up came to its end here with the same settings, and everything works still.

    Args:
        installer: Runs the probes.
        key: The fingerprint of the settings.
        operators: What MMCV's operators are asked for: ``cpu``, ``gpu`` or nothing.
    """
    stamp = read_stamp()
    cpu_only = {'cpu': True, 'gpu': False}.get(operators, stamp.cpu_only)
    # The probes find mmps in the checkout, whether it is installed or not.
    if stamp != Stamp(key, cpu_only) or not is_installed('mmps'):
        return False
    works = installer.works('extras', 'mmdet', 'ops')
    return bool(works and (works['gpu'] or operators != 'gpu'))


def install_all(installer: Installer, options: argparse.Namespace, key: str) -> None:
    """Every step, noting at its beginning and at its end how far set-up is."""
    say(f'setting up {ENVIRONMENT} (log: {installer.log})')
    check_other_stack(options.stack)
    operators = options.operators or ('cpu' if read_stamp().cpu_only else '')
    write_stamp(Stamp(cpu_only=operators == 'cpu'))
    mmcv, *others = FRAMEWORKS[options.stack]
    wheels = MmcvWheels(installer, mmcv, operators)
    wheels.check_compiler()
    ensure_torch(installer)
    ensure_frameworks(installer, others)
    ensure_extras(installer)
    wheels.ensure()
    ensure_mmps(installer, options.root)
    report = installer.call('-m', 'mmps.doctor', '--brief')
    if report.returncode:
        raise SetupError(f'the installed parts do not fit:\n{report.stdout}{report.stderr}')
    write_stamp(Stamp(key, cpu_only=operators == 'cpu'))


def ensure_torch(installer: Installer) -> None:
    """NumPy, what builds compiled packages, and torch."""
    free = shutil.disk_usage(ENVIRONMENT).free
    if free < TORCH_ROOM and not is_installed('torch'):
        raise SetupError(
            f'the disk of {ENVIRONMENT} has {free >> 20} MiB free and torch and mmcv need '
            f'{TORCH_ROOM >> 20}: free some, or name a folder on another disk with MMPS_VENV=DIR'
        )
    missing = failing(installer, BUILD_TOOLS)
    if missing:
        installer.install(*missing)
    found = installer.works('torch')
    if found:
        say(f'keeping torch {found["version"]}')
        return
    say('torch: 200 MB to download for a CPU build, several GB for a CUDA build')
    installer.uninstall('torch')
    installer.install('torch')
    if not installer.works('torch'):
        raise SetupError(f'torch is there but fails: `{sys.executable} -m mmps.doctor` says why')


def ensure_frameworks(installer: Installer, names: list[str]) -> None:
    """MMEngine and MMDetection of one stack."""
    missing = [name for name in names if not is_installed(name)]
    kept = [f'{name} {metadata.version(name)}' for name in names if name not in missing]
    if kept:
        say(f'keeping {" and ".join(kept)}')
    if missing:
        # The fork's source needs the setuptools of this environment.
        installer.install(*missing, options=('--no-build-isolation',))


def ensure_extras(installer: Installer) -> None:
    """The plain packages that mmps needs: those that fail are installed anew, no other."""
    for name in failing(installer, EXTRAS):
        installer.uninstall(name)
        installer.install(name)


def failing(installer: Installer, packages: dict[str, str]) -> list[str]:
    """The packages of which what they are needed for does not run."""
    return [name for name, code in packages.items() if installer.call('-c', code).returncode]


def ensure_mmps(installer: Installer, root: Path) -> None:
    """Mmps from the checkout, editable, with what its tests need; a wheel brings itself."""
    if not (root / 'setup.py').is_file():
        return
    install = ('install', '--no-build-isolation', *installer.constraints)
    if can_write(root):
        say('installing mmps (editable) and what its tests need')
        installer.pip(*install, '-e', f'{root}[tests]')
        return
    say(f'{root} cannot be written: installing a copy of mmps, and what its tests need')
    with tempfile.TemporaryDirectory() as folder:
        for name in SOURCES:
            copy = shutil.copytree if (root / name).is_dir() else shutil.copy
            copy(root / name, Path(folder, name))
        installer.pip(*install, f'{folder}[tests]')


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
