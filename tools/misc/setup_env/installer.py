"""Runs pip in this environment, tells how far it is, and says what helps when it fails."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

ENVIRONMENT = Path(sys.prefix)
HEARTBEAT_SECONDS = 30
COMPILER = 'install a C++ compiler (Debian, Ubuntu: apt-get install g++)'
# What a log says, and what helps; the first that matches counts.
CURES = (
    (
        r'No space left on device|Disk quota exceeded',
        'a disk is full: free some GiB, or set TMPDIR, XDG_CACHE_HOME or MMPS_VENV to a folder '
        'on another disk',
    ),
    (r'Permission denied|Read-only file system', 'name a folder that you can write: MMPS_VENV=DIR'),
    (
        r"command '[^']*(gcc|g\+\+|c\+\+|cc)' failed: No such file|C\+\+ compiler|No such.*'c\+\+'",
        COMPILER,
    ),
    (
        r'CUDA_HOME|CUDA version .* mismatches',
        "install the CUDA toolkit of torch's CUDA version, or build for the CPU: "
        '`bash tools/setup_env.sh --cpu`',
    ),
    (r'Killed|[Cc]annot allocate memory', 'memory ran out: build with MAX_JOBS=1'),
    (
        r'NewConnectionError|Max retries|Read timed out|name resolution|ProxyError|SSLError',
        "the package index cannot be reached: check the network and pip's settings (pip config)",
    ),
    (
        r'No matching distribution|Could not find a version',
        'pip finds no such version: check the Python version and the index that pip is set to',
    ),
)


class SetupError(Exception):
    """A step failed; the message says which one and what helps."""


class Installer:
    """Runs pip in this environment, and writes everything that it says to a log.

    Args:
        versions: The constraints file, ``mmps/versions.txt``.
    """

    def __init__(self, versions: Path) -> None:
        self.package = versions.parent
        self.requirements = read_requirements(versions)
        # In an environment of the user's own, the tested versions decide about missing packages
        # only; whatever else is there stays as it is.
        made_here = (ENVIRONMENT / 'mmps-made.txt').is_file()
        self.constraints = ('-c', str(versions)) if made_here else ()
        self.log = ENVIRONMENT / 'mmps-setup.log'

    def call(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Python for a moment, with mmps importable, and keep what it prints."""
        path = os.pathsep.join(
            filter(None, [os.environ.get('PYTHONPATH'), str(self.package.parent)])
        )
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, 'PYTHONPATH': path, 'PYTHONWARNINGS': 'ignore'},
        )

    def works(self, *probes: str) -> dict | None:
        """Try parts of the environment; None where one fails, else what the last one found."""
        done = self.call(str(self.package / 'doctor' / 'probes.py'), *probes)
        return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None

    def install(self, *names: str, options: tuple[str, ...] = ()) -> None:
        """Install packages at their tested versions."""
        wanted = [self.requirements.get(name, name) for name in names]
        say(f'installing {", ".join(wanted)}')
        self.pip('install', *options, *self.constraints, *wanted)

    def uninstall(self, *names: str) -> None:
        """Remove what is installed of these: pip takes a broken package for a satisfied one."""
        there = [name for name in names if is_installed(name)]
        if there:
            self.pip('uninstall', '-y', *there)

    def pip(self, *arguments: str) -> None:
        """Run pip; its output goes to the log.

        Raises:
            SetupError: If pip fails.
        """
        self.run([sys.executable, '-m', 'pip', *arguments])

    def run(
        self,
        command: list[str],
        environment: dict[str, str] | None = None,
        folder: Path | None = None,
        progress: Callable[[], str] = str,
    ) -> None:
        """Run a long command with a sign of life every half minute.

        Args:
            command: The command.
            environment: Environment variables to add.
            folder: Where to run it; here if not given.
            progress: Says in a few words how far it is.

        Raises:
            SetupError: If it fails.
        """
        with self.log.open('a+', errors='replace') as log:
            log.write(f'\n$ {shlex.join(command)}\n')
            log.flush()
            start = log.tell()
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that the compilers that pip starts end with it
                env={**os.environ, **(environment or {})},
            )
            if wait(process, progress):
                log.seek(start)
                raise SetupError(f'`{shlex.join(command)}`: {find_cure(log.read())}')


def wait(process: subprocess.Popen, progress: Callable[[], str]) -> int:
    """Wait for a process and say every half minute that it is alive.

    Args:
        process: The running process, first of its session; it ends with this one.
        progress: Says in a few words how far it is.

    Returns:
        Its exit code.
    """
    start = time.monotonic()
    try:
        while True:
            try:
                return process.wait(HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                minutes, seconds = divmod(int(time.monotonic() - start), 60)
                say(f'  {minutes}:{seconds:02d} min {progress()}')
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def is_installed(name: str) -> bool:
    """Whether a distribution is installed in this environment."""
    return any(metadata.distributions(name=name))


def can_write(folder: Path) -> bool:
    """Whether a file can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def read_requirements(versions: Path) -> dict[str, str]:
    """Name to whole requirement, of a constraints file."""
    lines = (line.partition('#')[0].strip() for line in versions.read_text('utf-8').splitlines())
    return {re.split(r'[=<>]', line, maxsplit=1)[0]: line for line in lines if line}


def find_cure(log: str) -> str:
    """The cure for the first known complaint in a log."""
    for pattern, cure in CURES:
        if re.search(pattern, log):
            return cure
    return 'the last lines of the log say why'


def say(message: str) -> None:
    """Print one line of progress."""
    print(f'[set-up] {message}', flush=True)
