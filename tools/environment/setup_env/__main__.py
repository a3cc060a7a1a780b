"""Installs what mmps needs into the running interpreter's environment; keeps what works there.

Called by tools/setup_env.sh. Needs nothing but the standard library and pip.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from installer import (
    ENVIRONMENT,
    ROOT,
    VERSIONS,
    Installer,
    SetupError,
    find_fix,
    is_installed,
    say,
)
from operators import Operators

# What builds compiled packages, and mmps.
BUILD_TOOLS = ('setuptools', 'wheel', 'ninja', 'numpy')
EXTRAS = ('matplotlib', 'pycocotools', 'rich', 'scipy')
# The fork's source needs the setuptools of this environment.
FROM_SOURCE = ('--no-build-isolation',)


def main() -> int:
    """Install what is missing or broken, and try everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--stack', choices=VERSIONS['STACKS'], required=True)
    parser.add_argument('--torch', default='')
    parser.add_argument('--tests', action='store_true')
    operators = parser.add_mutually_exclusive_group()
    for device in ('gpu', 'cpu'):
        operators.add_argument(
            f'--{device}', dest='device', action='store_const', const=device, default=''
        )
    options = parser.parse_args()
    installer = Installer(options.torch)
    # SIGINT is ignored in background jobs, which still end by SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        set_up(installer, options)
    except (SetupError, OSError) as error:
        fix = f': {find_fix(str(error))}' if isinstance(error, OSError) else ''
        say(f'FAILED: {error}{fix}')
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
        mmcv, *frameworks = VERSIONS['STACKS'][options.stack]
        operators = Operators(installer, mmcv, options.device)
        operators.check_compiler()
        ensure_torch(installer)
        operators.start()
        ensure_packages(installer, frameworks)
        ensure_mmps(installer, options.tests)
        operators.finish()
        if not installer.works('mmps'):
            installer.replace(*frameworks, options=FROM_SOURCE)
        report = installer.call('-m', 'mmps.doctor')
        if report.returncode:
            raise SetupError(f'the installed parts do not fit:\n{report.stdout}{report.stderr}')
    say(f'the environment {ENVIRONMENT} is ready')


def is_ready(installer: Installer, options: argparse.Namespace) -> bool:
    """Whether everything that is asked for is installed and works."""
    # The probes find mmps in the checkout, whether it is installed or not.
    if not is_current():
        return False
    if options.tests and any(not is_installed(name) for name in test_packages()):
        return False
    works = installer.works('setuptools', 'torch', *EXTRAS, 'mmps', 'mmdet', 'ops')
    asked = not options.torch or metadata.version('torch').partition('+')[0] == options.torch
    return bool(works and asked and (works['gpu'] or options.device != 'gpu'))


def is_current() -> bool:
    """Whether mmps is installed, from this checkout and since its setup.py last changed."""
    if not is_installed('mmps'):
        return False
    if not (ROOT / 'setup.py').is_file():  # a wheel brings itself
        return True
    installed = metadata.distribution('mmps')
    origin = urlsplit(json.loads(installed.read_text('direct_url.json') or '{}').get('url', ''))
    notes = [file.locate() for file in installed.files or () if file.name == 'METADATA']
    changed = (ROOT / 'setup.py').stat().st_mtime
    return Path(url2pathname(origin.path)) == ROOT and all(
        Path(note).stat().st_mtime >= changed for note in notes
    )


def ensure_torch(installer: Installer) -> None:
    """NumPy, what builds compiled packages, and torch."""
    broken = failing(installer, BUILD_TOOLS)
    found = installer.works('torch')
    if found and installer.torch in ('', found['version'].partition('+')[0]):
        say(f'keeping torch {found["version"]}')
    else:
        say('torch: 200 MB to download for a CPU build, several GB for a CUDA build')
        # It may be NumPy that does not fit.
        broken += ['torch'] if found else ['numpy', 'torch']
    installer.replace(*dict.fromkeys(broken))
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


def failing(installer: Installer, packages: tuple[str, ...]) -> list[str]:
    """The packages of which what they are needed for does not run."""
    return [name for name in packages if not installer.works(name)]


def ensure_mmps(installer: Installer, tests: bool) -> None:
    """Mmps from the checkout, which need not be writable; a wheel brings itself."""
    if (ROOT / 'setup.py').is_file():
        say(f'installing mmps (editable){" and what its tests need" if tests else ""}')
        source = f'{ROOT}[tests]' if tests else str(ROOT)
        installer.pip('install', *FROM_SOURCE, *installer.constraints, '-e', source)


def test_packages() -> list[str]:
    """Names of the packages that the tests need."""
    wanted = [
        line for line in metadata.requires('mmps') or () if re.search(r'extra == .tests', line)
    ]
    return [re.match(r'[\w.-]+', line).group() for line in wanted]


def check_other_stack(stack: str) -> None:
    """Refuse to install one stack over the other: both use the same import names."""
    (other,) = VERSIONS['STACKS'].keys() - {stack}
    there = [name for name in VERSIONS['STACKS'][other] if is_installed(name)]
    if there:
        raise SetupError(
            f'{ENVIRONMENT} holds {there[0]}, which the stack {stack} would overwrite: '
            'deactivate it, or name another environment with MMPS_VENV=DIR'
        )


if __name__ == '__main__':
    sys.exit(main())
