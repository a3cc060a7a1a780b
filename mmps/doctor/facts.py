"""Gathers the facts about a machine and its Python environment; judges nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from .versions import SAME_FILES

# What is tried, in the order of repair.
PROBED = (
    *('setuptools', 'numpy', 'torch', 'opencv', 'matplotlib', 'pycocotools', 'rich', 'scipy'),
    *('mmengine', 'ops', 'mmdet', 'mmps'),
)
# An import of mmdet takes minutes where the machine is busy or its disk is far away.
PROBE_SECONDS = 900
NO_ANSWER = 'no answer'
# What pip is asked about.
PACKAGES = (
    *('mmps', 'torch', 'numpy', 'opencv-python', 'opencv-python-headless', 'scipy'),
    *('pycocotools', 'matplotlib', 'setuptools'),
    *(name for names in SAME_FILES.values() for name in names),
)


@dataclass(frozen=True)
class Probe:
    """What one process reported.

    Attributes:
        ok: Whether it ended well.
        found: What it printed, its ``version`` for example.
        error: The last line of its error output, such as ``ImportError: ...``.
    """

    ok: bool
    found: dict = field(default_factory=dict)
    error: str = ''


@dataclass(frozen=True)
class Folder:
    """A folder that set-up and training write to.

    Attributes:
        path: Existing or future path.
        free: Free bytes of its disk.
        writable: Whether a file can be made in it.
    """

    path: str
    free: int
    writable: bool = True


@dataclass(frozen=True)
class Facts:
    """Everything that the diagnosis rests on.

    Attributes:
        python: Version as ``(major, minor, micro)``.
        executable: Path of the interpreter.
        packages: Installed distributions among ``PACKAGES``, name to version.
        probes: Name of a probe to its result.
        folders: What is written to, by use: ``working``, ``package``, ``cache``, ``temporary``.
        conflicts: Lines of ``pip check`` about ``PACKAGES``.
    """

    python: tuple[int, ...]
    executable: str
    packages: dict[str, str]
    probes: dict[str, Probe]
    folders: dict[str, Folder]
    conflicts: tuple[str, ...] = ()


def gather() -> Facts:
    """Look at this machine; takes about ten seconds, most of it imports of torch."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        probes = dict(zip(PROBED, pool.map(run_probe, PROBED), strict=True))
    return Facts(
        python=tuple(sys.version_info[:3]),
        executable=sys.executable,
        packages=installed_packages(),
        probes=probes,
        folders={use: look_at(folder) for use, folder in _written_folders().items()},
        conflicts=find_conflicts(),
    )


def installed_packages() -> dict[str, str]:
    """Versions of the installed distributions among ``PACKAGES``."""
    found = {name: next(iter(metadata.distributions(name=name)), None) for name in PACKAGES}
    return {name: distribution.version for name, distribution in found.items() if distribution}


def find_conflicts() -> tuple[str, ...]:
    """What ``pip check`` says about ``PACKAGES``, line by line."""
    command = [sys.executable, '-m', 'pip', 'check']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Such as: opencv-python 5.0 requires numpy, which is not installed.
    return tuple(line for line in done.stdout.splitlines() if line.partition(' ')[0] in PACKAGES)


def run_probe(name: str) -> Probe:
    """Run one probe in its own process.

    Args:
        name: One of ``PROBED``.
    """
    command = [sys.executable, str(Path(__file__).with_name('probes.py')), name]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors='replace',
            timeout=PROBE_SECONDS,
            check=False,
            env={**os.environ, 'PYTHONWARNINGS': 'ignore'},
        )
    except subprocess.TimeoutExpired:
        return Probe(False, error=f'{NO_ANSWER} within {PROBE_SECONDS} seconds')
    if done.returncode == 0:
        return Probe(True, json.loads(done.stdout.strip().splitlines()[-1]))
    lines = done.stderr.strip().splitlines() or [f'the process ended with {done.returncode}']
    return Probe(False, error=lines[-1].strip())


def look_at(folder: Path) -> Folder:
    """How much may be written to a folder, or to its nearest parent that exists.

    Args:
        folder: The folder; need not exist.
    """
    there = next(f for f in (folder, *folder.parents) if _is_there(f))
    try:
        with tempfile.TemporaryFile(dir=there):
            writable = True
    except OSError:
        writable = False
    return Folder(str(folder), shutil.disk_usage(there).free, writable)


def _written_folders() -> dict[str, Path]:
    return {
        'working': Path.cwd(),
        'package': Path(sysconfig.get_paths()['purelib']),
        'cache': Path(os.environ.get('XDG_CACHE_HOME') or Path('~/.cache').expanduser()),
        # Python silently takes another folder where it cannot write to this one; compilers do not.
        'temporary': Path(os.environ.get('TMPDIR') or '/tmp'),
    }


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # below a folder that this user may not search, such as another one's home
        return False
