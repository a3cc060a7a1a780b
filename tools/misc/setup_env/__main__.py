"""Installs what mmps needs into the running interpreter's environment; keeps what works there.

Called by tools/setup_env.sh. Needs nothing but the standard library and pip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
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
from mmcv_wheel import MmcvWheels

STAMP = ENVIRONMENT / 'mmps-setup.json'
BUILD_TOOLS = {'setuptools': 'pkg_resources', 'wheel': 'wheel', 'ninja': 'ninja', 'numpy': 'numpy'}
TORCH_ROOM = 4 * 2**30
SOURCES = ('mmps', 'configs', 'tools', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE')
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
    parser.add_argument('--gpu', action='store_true')
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
    key = fingerprint(options)
    if read_stamp() == key and installer.works('extras', 'ops', 'mmdet'):
        say(f'the environment {ENVIRONMENT} is ready')
        return
    say(f'setting up {ENVIRONMENT} (log: {installer.log})')
    check_other_stack(options.stack)
    mmcv, *others = FRAMEWORKS[options.stack]
    wheels = MmcvWheels(installer, mmcv)
    wheels.check_compiler()
    ensure_torch(installer)
    ensure_frameworks(installer, others)
    wheels.ensure(gpu=options.gpu)
    ensure_mmps(installer, options.root)
    report = installer.call('-m', 'mmps.doctor', '--brief')
    if report.returncode:
        raise SetupError(f'the installed parts do not fit:\n{report.stdout}{report.stderr}')
    write_stamp(key)
    say(f'the environment {ENVIRONMENT} is ready')


def ensure_torch(installer: Installer) -> None:
    """NumPy, what builds compiled packages, and torch."""
    free = shutil.disk_usage(ENVIRONMENT).free
    if free < TORCH_ROOM and not is_installed('torch'):
        raise SetupError(
            f'the disk of {ENVIRONMENT} has {free >> 20} MiB free and torch and mmcv need '
            f'{TORCH_ROOM >> 20}: free some, or name a folder on another disk with MMPS_VENV=DIR'
        )
    missing = [n for n, m in BUILD_TOOLS.items() if installer.call('-c', f'import {m}').returncode]
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
    if missing or not installer.works('extras'):
        # The fork's source needs the setuptools of this environment.
        installer.install(*names, options=('--no-build-isolation',))
    else:
        say(f'keeping {" and ".join(f"{name} {metadata.version(name)}" for name in names)}')


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


def fingerprint(options: argparse.Namespace) -> str:
    """What a finished set-up depends on, as a hash."""
    settings = (sys.version, options.stack, options.gpu, str(options.root))
    digest = hashlib.sha256(repr(settings).encode())
    for path in (options.versions, options.root / 'setup.py'):
        digest.update(path.read_bytes() if path.is_file() else b'')
    return digest.hexdigest()


def read_stamp() -> str:
    """The fingerprint of the last finished set-up, empty where there was none."""
    return json.loads(STAMP.read_text())['fingerprint'] if STAMP.is_file() else ''


def write_stamp(key: str) -> None:
    """Note atomically that set-up is done."""
    unfinished = STAMP.with_suffix('.tmp')
    unfinished.write_text(json.dumps({'fingerprint': key}))
    os.replace(unfinished, STAMP)


if __name__ == '__main__':
    sys.exit(main())
