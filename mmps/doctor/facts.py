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
from dataclasses import dataclass, field, replace
from pathlib import Path

from .probes import PROBES

PACKAGES = (
    'mmps',
    'torch',
    'mmcv',
    'mmcv-lite',
    'mmcv-full',
    'mmengine',
    'mmdet',
    'onedl-mmcv',
    'onedl-mmengine',
    'onedl-mmdetection',
    'numpy',
    'opencv-python',
    'opencv-python-headless',
    'scipy',
    'pycocotools',
    'matplotlib',
    'setuptools',
)
PROBE_SECONDS = 180


@dataclass(frozen=True)
class Probe:
    """What one process reported.

    Attributes:
        ok: Whether it ended well.
        found: What it printed, for example its ``version``.
        error: The last line of its error output, such as ``ImportError: ...``.
    """

    ok: bool
    found: dict = field(default_factory=dict)
    error: str = ''


@dataclass(frozen=True)
class Folder:
    """A folder that set-up and training write to.

    Attributes:
        path: Where it is, or will be.
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
        compiler: Path of the C++ compiler, empty where there is none.
        folders: What is written to, by use: ``working``, ``package``, ``cache``, ``temporary``.
        memory: Total memory in bytes, 0 where it cannot be told.
        conflicts: Lines of ``pip check`` about ``PACKAGES``.
    """

    python: tuple[int, ...]
    executable: str
    packages: dict[str, str]
    probes: dict[str, Probe]
    compiler: str = ''
    folders: dict[str, Folder] = field(default_factory=dict)
    memory: int = 0
    conflicts: tuple[str, ...] = ()


def gather() -> Facts:
    """Look at this machine; takes about ten seconds, most of it imports of torch."""
    return replace(
        look_at_python(),
        packages=installed_packages(),
        probes=run_probes(),
        compiler=find_compiler(),
        folders={use: look_at(folder) for use, folder in _written_folders().items()},
        memory=_total_memory(),
        conflicts=find_conflicts(),
    )


def look_at_python() -> Facts:
    """The facts about the interpreter alone."""
    python = tuple(sys.version_info[:3])
    return Facts(python=python, executable=sys.executable, packages={}, probes={})


def installed_packages() -> dict[str, str]:
    """Versions of the installed distributions among ``PACKAGES``."""
    from importlib import metadata  # which Python 3.7, too old but told so, does not have

    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def find_conflicts() -> tuple[str, ...]:
    """What ``pip check`` says about ``PACKAGES``, line by line."""
    command = [sys.executable, '-m', 'pip', 'check']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Such as: opencv-python 5.0 requires numpy, which is not installed.
    return tuple(line for line in done.stdout.splitlines() if line.partition(' ')[0] in PACKAGES)


def run_probes() -> dict[str, Probe]:
    """Run every probe, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {name: pool.submit(run_probe, name) for name in PROBES}
    return {name: probe.result() for name, probe in running.items()}


def run_probe(name: str) -> Probe:
    """Run one probe in its own process.

    Args:
        name: A key of ``PROBES``.
    """
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [os.environ.get('PYTHONPATH', ''), package_root]))
    command = [sys.executable, str(Path(__file__).with_name('probes.py')), name]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors='replace',
            timeout=PROBE_SECONDS,
            check=False,
            env={**os.environ, 'PYTHONPATH': path, 'PYTHONWARNINGS': 'ignore'},
        )
    except subprocess.TimeoutExpired:
        return Probe(False, error=f'no answer within {PROBE_SECONDS} seconds')
    if done.returncode == 0:
        return Probe(True, json.loads(done.stdout.strip().splitlines()[-1]))
    lines = done.stderr.strip().splitlines() or [f'the process ended with {done.returncode}']
    return Probe(False, error=lines[-1].strip())


def find_compiler() -> str:
    """Path of the C++ compiler that torch's extension builder would call, or ``''``."""
    # CXX may have several words, such as `ccache g++`.
    command = os.environ.get('CXX', '').split() or ['c++']
    return shutil.which(command[0]) or ''


def can_write(folder: Path) -> bool:
    """Whether a file can be created in ``folder``, or in its nearest parent that exists."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return True
    except OSError:
        return False


def look_at(folder: Path) -> Folder:
    """How much may be written to a folder, or to its nearest parent that exists.

    Args:
        folder: The folder; need not exist.
    """
    return Folder(str(folder), shutil.disk_usage(_existing(folder)).free, can_write(folder))


def _written_folders() -> dict[str, Path]:
    return {
        'working': Path.cwd(),
        'package': Path(sysconfig.get_paths()['purelib']),
        'cache': Path(os.environ.get('XDG_CACHE_HOME') or Path('~/.cache').expanduser()),
        'temporary': _temporary_folder(),
    }


def _temporary_folder() -> Path:
    # Python silently takes another folder where it cannot write to TMPDIR; compilers do not.
    named = os.environ.get('TMPDIR')
    if named:
        return Path(named)
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # no candidate can be written: report the first one
        return Path('/tmp')


def _existing(folder: Path) -> Path:
    return next(f for f in (folder, *folder.parents) if _is_there(f))


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # below a folder that this user may not search, such as another one's home
        return False


def _total_memory() -> int:
    try:
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (AttributeError, ValueError, OSError):
        return 0
