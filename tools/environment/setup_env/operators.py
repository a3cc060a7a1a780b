"""Builds MMCV with compiled operators for the torch at hand."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import tarfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from gpu import wants_gpu
from installer import COMPILER, ENVIRONMENT, VERSIONS, Installer, SetupError, say
from joined_sources import BINDINGS, join_sources

GIB_PER_JOB = 1.5


class Operators:
    """Leaves a working MMCV in the environment: keeps one that works, otherwise builds it.

    The build goes on in the background between :meth:`start` and :meth:`finish`.

    Args:
        installer: Runs pip and the probes.
        name: The distribution, ``mmcv`` or ``onedl-mmcv``.
        device: What to build for: ``cpu``, ``gpu``, or ``''`` for what the machine has.
    """

    def __init__(self, installer: Installer, name: str, device: str = '') -> None:
        self.installer = installer
        self.name = name
        self.device = device
        self.folder = ENVIRONMENT / 'mmps-build'
        self._architectures = ''
        self._gpu = False
        self._build: Callable[[], None] | None = None

    def work(self) -> bool:
        """Whether the operators run, on a GPU too if that was insisted on."""
        found = self.installer.works('ops')
        refused = 'MMCV==' in self.installer.call('-c', 'import mmdet').stderr
        return bool(found and not refused and (found['gpu'] or not self._gpu))

    def check_compiler(self) -> None:
        """Refuse at once what would fail after torch's download.

        Raises:
            SetupError: MMCV has to be built, and there is no compiler.
        """
        # CXX may have several words, such as `ccache g++`.
        compiler = os.environ.get('CXX', '').split() or ['c++']
        if not (shutil.which(compiler[0]) or self.work()):
            raise SetupError(f"mmcv's operators have to be compiled: {COMPILER} and run again")

    def start(self) -> None:
        """Begin to build, unless what is there works."""
        torch = self.installer.works('torch')
        self._gpu = self.device == 'gpu' and wants_gpu(torch, insisted=True)
        if self.work():
            say("keeping mmcv: its compiled operators work with this environment's torch")
            return
        self._gpu = self._gpu or (self.device != 'cpu' and wants_gpu(torch, insisted=False))
        if torch['devices'] and not self._gpu:
            say('mmcv gets operators for the CPU only: train with `export CUDA_VISIBLE_DEVICES=`')
        architectures = {device['architecture'] for device in torch['devices']}
        self._architectures = ';'.join(sorted(architectures))
        least = 'half an hour of one core' if self._gpu else 'a minute on two cores'
        say(f'building the operators of {self.installer.requirements[self.name]}: about {least}')
        self._build = self._compile(joined=True)

    def finish(self) -> None:
        """Wait for the build, and install what it built.

        Raises:
            SetupError: The operators cannot be built, or fail when tried.
        """
        if self._build is None:
            return
        try:
            self._install(self._build)
        except SetupError as error:
            say(f'the quick build does not work here ({error}): building file by file, 10 minutes')
            self._install(self._compile(joined=False))
        shutil.rmtree(self.folder)

    def _compile(self, joined: bool) -> Callable[[], None]:
        source = self._unpack()
        jobs = os.environ.get('MAX_JOBS') or str(count_jobs())
        if joined:
            join_sources(source, int(jobs))
        _ask_for_the_standard(source)
        settings = {'MMCV_WITH_OPS': '1', 'MAX_JOBS': jobs}
        settings |= {'FORCE_CUDA': '1'} if self._gpu else {'CUDA_VISIBLE_DEVICES': ''}
        settings |= {} if self._gpu else {'FORCE_CUDA': '0'}
        # Debug information takes half of the time. Not CFLAGS, which would replace Python's -O3.
        settings['CPPFLAGS'] = f'{os.environ.get("CPPFLAGS", "")} -g0'.strip()
        # Torch's extension builder looks for ninja there; without it, it compiles file after file.
        programs = (sysconfig.get_path('scripts'), os.environ.get('PATH', os.defpath))
        settings['PATH'] = os.pathsep.join(programs)
        if self._gpu and 'TORCH_CUDA_ARCH_LIST' not in os.environ:
            settings['TORCH_CUDA_ARCH_LIST'] = self._architectures
        # Not through pip, which hides what the compiler says.
        command = [sys.executable, 'setup.py', 'bdist_wheel', '-d', str(self.folder)]
        # Not in the folder, which the plain build makes again.
        log = ENVIRONMENT / 'mmps-build.log'
        return self.installer.start(command, settings, folder=source, log=log)

    def _unpack(self) -> Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        requirement = self.installer.requirements[self.name]
        self.installer.pip(
            *('download', '--no-deps', '--no-build-isolation', '--no-binary', self.name),
            *('-d', str(self.folder), requirement),
        )
        with tarfile.open(next(self.folder.glob('*.tar.gz'))) as file:
            file.extraction_filter = getattr(tarfile, 'data_filter', None)
            file.extractall(self.folder / 'source')
        return next(self.folder.glob('source/*mmcv*'))

    def _install(self, build: Callable[[], None]) -> None:
        build()
        wheel = str(next(self.folder.glob('*.whl')))
        self.installer.uninstall(*VERSIONS['SAME_FILES']['mmcv'])
        self.installer.pip('install', *self.installer.constraints, wheel)
        bindings = next(self.folder.glob(f'source/*/mmcv/ops/csrc/pytorch/{BINDINGS}'))
        names = set(re.findall(r'\bm\.def\(\s*"(\w+)"', bindings.read_text('utf-8')))
        built = self.installer.call('-c', 'import torch, mmcv._ext as e; print(*dir(e))').stdout
        lacking = names - set(built.split())
        if lacking or not self.work():
            raise SetupError(f'mmcv is built but fails: `{sys.executable} -m mmps.doctor` says why')


def _ask_for_the_standard(source: Path) -> None:
    # Headers of torch 2.14 need C++20, and MMCV's setup.py asks for C++17.
    header = Path(metadata.distribution('torch').locate_file('torch/include/ATen/ATen.h'))
    if header.is_file() and 'C++20' in header.read_text('utf-8', 'replace'):
        setup = source / 'setup.py'
        setup.write_text(setup.read_text('utf-8').replace('-std=c++17', '-std=c++20'), 'utf-8')


def count_jobs() -> int:
    """Compilers to run at once: one per core, as far as the memory goes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return max(1, min(cores or 1, int(memory / GIB_PER_JOB)))
