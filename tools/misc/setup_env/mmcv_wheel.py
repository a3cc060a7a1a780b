"""Finds or builds an MMCV whose compiled operators work with the torch at hand.

pip keeps the wheel that it built, but does not know for which torch; and a build that is
interrupted in pip's temporary folder starts from nothing. So the source is built in a folder of
our own, named after torch, CUDA and Python: an interrupted build goes on, and the next clone
finds the wheel.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tarfile
from pathlib import Path

from gpu import wants_gpu
from installer import COMPILER, Installer, SetupError, can_write, is_installed, say
from lock import locked

GIB_PER_JOB = 1.5
OTHER_NAMES = ('mmcv-lite', 'mmcv-full')


class MmcvWheels:
    """Keeps a working MMCV, else tries the wheels at hand, else builds one.

    Args:
        installer: Runs pip and the probes.
        name: The distribution, ``mmcv`` or ``onedl-mmcv``.
        operators: What to build them for: ``cpu``, ``gpu``, or ``''`` for what the machine has.
    """

    def __init__(self, installer: Installer, name: str, operators: str = '') -> None:
        self.installer = installer
        self.name = name
        self.operators = operators
        self.requirement = installer.requirements[name]
        self.release = f'{name.replace("-", "_")}-{self.requirement.partition("==")[2]}'
        self.python = f'cp{sys.version_info[0]}{sys.version_info[1]}'

    def check_compiler(self) -> None:
        """Refuse at once what would fail after torch's download.

        Raises:
            SetupError: If MMCV has to be built for any torch, and there is no compiler.
        """
        any_torch = self._key('*', '*')
        if not (find_compiler() or self._wheels_at_hand(any_torch) or self._works(gpu=False)):
            raise SetupError(f"mmcv's operators have to be compiled: {COMPILER} and run again")

    def ensure(self) -> None:
        """Leave a working MMCV in the environment.

        Raises:
            SetupError: If that is impossible.
        """
        torch = self.installer.works('torch')
        gpu = self.operators != 'cpu' and wants_gpu(torch, insisted=self.operators == 'gpu')
        if torch['devices'] and not gpu:
            say('mmcv gets operators for the CPU only: train with `export CUDA_VISIBLE_DEVICES=`')
        if self._works(gpu) and not any(map(is_installed, OTHER_NAMES)):
            say("keeping mmcv: its compiled operators work with this environment's torch")
            return
        self.installer.uninstall(*OTHER_NAMES)
        key = self._key(torch['version'], f'cuda{torch["cuda"]}' if gpu else 'cpu')
        tried: set[tuple[Path, int]] = set()
        if self._takes_a_wheel(key, gpu, tried):
            return
        if not find_compiler():
            raise SetupError(f"mmcv's operators have to be compiled: {COMPILER} and run again")
        folder = cache_folder() / key
        with locked(folder.with_name(f'{key}.lock')):
            if self._takes_a_wheel(key, gpu, tried):  # which another set-up has built meanwhile
                return
            say(f'building {self.requirement} in {folder}')
            say('it takes about 20 minutes of one core (GPU operators: an hour) and 3 GB of memory')
            self._install(self._build(folder, torch if gpu else None))
        if not self._works(gpu):
            raise SetupError(f'mmcv is built but fails: `{sys.executable} -m mmps.doctor` says why')

    def _takes_a_wheel(self, key: str, gpu: bool, tried: set[tuple[Path, int]]) -> bool:
        """Install the first wheel at hand that works; those tried, and when built, are noted."""
        for wheel in self._wheels_at_hand(key):
            identity = wheel, wheel.stat().st_mtime_ns
            if identity in tried:
                continue
            tried.add(identity)
            say(f'trying the wheel {wheel}')
            self._install(wheel)
            if self._works(gpu):
                return True
            say('this wheel does not fit: it was built for another torch')
        return False

    def _works(self, gpu: bool) -> bool:
        found = self.installer.works('ops')
        refused = 'MMCV==' in self.installer.call('-c', 'import mmdet').stderr
        return bool(found and not refused and (found['gpu'] or not gpu))

    def _install(self, wheel: Path) -> None:
        pip = self.installer.pip
        pip('install', '--force-reinstall', '--no-deps', str(wheel))
        pip('install', *self.installer.constraints, str(wheel))

    def _key(self, torch: str, cuda: str) -> str:
        return f'{self.release}-torch{torch}-{cuda}-{self.python}-{platform.machine()}'

    def _wheels_at_hand(self, key: str) -> list[Path]:
        listed = self.installer.call('-m', 'pip', 'cache', 'list', '--format=abspath', self.name)
        of_pip = [Path(line) for line in listed.stdout.splitlines()]
        # What cannot be written can be read.
        folders = dict.fromkeys((cache_folder(), preferred_cache()))
        wheels = [*(wheel for folder in folders for wheel in find_wheels(folder, key)), *of_pip]
        return [w for w in wheels if w.name.startswith(f'{self.release}-{self.python}-')]

    def _build(self, folder: Path, torch: dict | None) -> Path:
        """Build the wheel, with GPU operators where a torch that sees GPUs is given."""
        source, unfinished = self._unpack_source(folder), folder / 'unfinished'
        settings = {'MMCV_WITH_OPS': '1', 'MAX_JOBS': str(count_jobs())}
        if torch:
            architectures = {device['architecture'] for device in torch['devices']}
            settings['TORCH_CUDA_ARCH_LIST'] = ';'.join(sorted(architectures))
        # What the user has set for the build counts, but for what would make it another build.
        settings = {name: os.environ.get(name, value) for name, value in settings.items()}
        settings |= {'FORCE_CUDA': '1'} if torch else {'CUDA_VISIBLE_DEVICES': ''}
        settings |= {'FORCE_CUDA': '0'} if self.operators == 'cpu' else {}
        # Not through pip, which throws away what was compiled when a build fails.
        command = [sys.executable, 'setup.py', 'bdist_wheel', '-d', str(unfinished)]
        shutil.rmtree(unfinished, ignore_errors=True)
        self.installer.run(
            command, settings, folder=source, progress=lambda: describe_build(source)
        )
        built = the_only_one(unfinished, '*.whl')
        wheel = folder / built.name
        os.replace(built, wheel)
        shutil.rmtree(source.parent)
        shutil.rmtree(unfinished)
        return wheel

    def _unpack_source(self, folder: Path) -> Path:
        """The unpacked source; what an interrupted build compiled is still in it."""
        unpacked, unfinished = folder / 'source', folder / 'unpacking'
        if not unpacked.is_dir():
            downloaded = folder / 'download'
            for left in (downloaded, unfinished):
                shutil.rmtree(left, ignore_errors=True)
            downloaded.mkdir(parents=True)
            self.installer.pip(
                *('download', '--no-deps', '--no-build-isolation', '--no-binary', self.name),
                *('-d', str(downloaded), self.requirement),
            )
            archive = the_only_one(downloaded, '*.tar.gz')
            with tarfile.open(archive) as file:
                file.extraction_filter = getattr(tarfile, 'data_filter', None)
                file.extractall(unfinished)
            os.replace(unfinished, unpacked)
            shutil.rmtree(downloaded)
        return the_only_one(unpacked, '*mmcv*')


def the_only_one(folder: Path, pattern: str) -> Path:
    """The one file or folder in a folder that has such a name.

    Args:
        folder: The folder.
        pattern: The name, with wildcards.

    Raises:
        SetupError: If there are none or several.
    """
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SetupError(
            f'{folder} should hold one {pattern} and holds {len(found)}: '
            f'remove the folder {folder.parent} and run again'
        )
    return found[0]


def find_wheels(folder: Path, key: str) -> list[Path]:
    """The wheels of a cache folder; none where this user may not look into it."""
    try:
        return list(folder.glob(f'{key}/*.whl'))
    except OSError:
        return []


def cache_folder() -> Path:
    """Where built wheels are kept: ``MMPS_CACHE``, the user's cache, or else the environment."""
    folder = preferred_cache()
    return folder if can_write(folder) else Path(sys.prefix) / 'mmps-cache'


def preferred_cache() -> Path:
    """Where built wheels should be kept."""
    home = Path(os.environ.get('XDG_CACHE_HOME') or Path('~/.cache').expanduser())
    return Path(os.environ.get('MMPS_CACHE') or home / 'mmps').absolute()


def find_compiler() -> str | None:
    """Path of the C++ compiler that torch's extension builder calls."""
    # CXX may have several words, such as `ccache g++`.
    command = os.environ.get('CXX', '').split() or ['c++']
    return shutil.which(command[0])


def count_jobs() -> int:
    """Compilers to run at once: one per core, as far as the memory goes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return max(1, min(cores or 1, int(memory / GIB_PER_JOB)))


def describe_build(source: Path) -> str:
    """How many files are compiled, in words; empty before the build knows."""
    plans = list(source.glob('build/temp*/build.ninja'))
    if not plans:
        return ''
    total = len(re.findall(r'^build .*\.o:', plans[0].read_text(errors='replace'), re.M))
    done = len(list(source.glob('build/temp*/**/*.o')))
    return f'({done} of {total} files compiled)'
