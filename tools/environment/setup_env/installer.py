"""Runs pip in this environment, and names what helps when it fails."""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

ENVIRONMENT = Path(sys.prefix)
# The checkout, or the folder that a wheel keeps its tools in, within the package.
ROOT = Path(__file__).resolve().parents[3]
DOCTOR = (ROOT / 'mmps' if (ROOT / 'setup.py').is_file() else ROOT.parent) / 'doctor'
# By their path, for `import mmps` would load a torch that is to be replaced.
VERSIONS = runpy.run_path(str(DOCTOR / 'versions.py'))
HEARTBEAT_SECONDS = 30
COMPILER = 'install a C++ compiler (Debian, Ubuntu: apt-get install g++)'
# What a log says, and what helps; the first that matches counts.
FIXES = (
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
    """Runs pip in this environment, and writes all that it prints to a log.

    Args:
        torch: The version to install instead of the one in ``mmps/versions.txt``.
    """

    def __init__(self, torch: str = '') -> None:
        self.requirements = VERSIONS['read_requirements']()
        self.log = ENVIRONMENT / 'mmps-setup.log'
        self.torch = torch
        if torch:
            self.requirements['torch'] = f'torch=={torch}'

    @property
    def constraints(self) -> tuple[str, ...]:
        """Options that hold pip to the tested versions, and to a torch that is there already.

        In an environment of the user's own, the tested versions decide about missing packages
        only; whatever else is there stays as it is.
        """
        if not (ENVIRONMENT / 'mmps-made.txt').is_file():
            return ()
        lines = dict(self.requirements)
        if is_installed('torch') and not self.torch:
            lines['torch'] = f'torch=={metadata.version("torch")}'
        file = ENVIRONMENT / 'mmps-constraints.txt'
        file.write_text('\n'.join(lines.values()), 'utf-8')
        return ('-c', str(file))

    def call(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Python for a moment, and keep what it prints."""
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, 'PYTHONWARNINGS': 'ignore'},
        )

    def works(self, *probes: str) -> dict | None:
        """Try parts of the environment; None where one fails, otherwise what the last one found."""
        done = self.call(str(DOCTOR / 'probes.py'), *probes)
        return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None

    def replace(self, *names: str, options: tuple[str, ...] = ()) -> None:
        """Install packages at their tested versions, instead of their installed versions.

        pip takes a broken package for a satisfied one, so it is removed first.
        """
        self.uninstall(*names)
        wanted = [self.requirements.get(name, name) for name in names]
        if wanted:
            say(f'installing {", ".join(wanted)}')
            self.pip('install', *options, *self.constraints, *wanted)

    def uninstall(self, *names: str) -> None:
        """Remove what is installed of these."""
        there = [name for name in names if is_installed(name)]
        if there:
            self.pip('uninstall', '-y', *there)

    def pip(self, *arguments: str) -> None:
        """Run pip; its output goes to the log.

        Raises:
            SetupError: The command fails.
        """
        self.start([sys.executable, '-m', 'pip', *arguments])()

    def start(
        self,
        command: list[str],
        environment: dict[str, str] | None = None,
        folder: Path | None = None,
        log: Path | None = None,
    ) -> Callable[[], None]:
        """Start a long command in the background; it ends with this process.

        Args:
            command: The command.
            environment: Environment variables to add.
            folder: Where to run it; here if left out.
            log: Where its output goes; the log of this set-up if left out.

        Returns:
            A function that waits for its end, and raises a :class:`SetupError` where it fails.
        """
        log = log or self.log
        with log.open('a', errors='replace') as file:
            file.write(f'\n$ {shlex.join(command)}\n')
            file.flush()
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that the compilers that it starts end with it
                env={**os.environ, **(environment or {})},
            )
            atexit.register(_end, process)
            return functools.partial(_wait, process, log, file.tell())


def _wait(process: subprocess.Popen, log: Path, position: int) -> None:
    # With a sign of life every half minute.
    start = time.monotonic()
    while process.poll() is None:
        try:
            process.wait(HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            minutes, seconds = divmod(int(time.monotonic() - start), 60)
            say(f'  {minutes}:{seconds:02d} min')
    if process.returncode:
        with log.open(errors='replace') as file:
            file.seek(position)
            raise SetupError(f'`{shlex.join(process.args)}`: {find_fix(file.read(), log)}')


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def is_installed(name: str) -> bool:
    """Whether a distribution is installed in this environment."""
    return any(metadata.distributions(name=name))


def find_fix(text: str, log: Path | str = 'the log') -> str:
    """Return the fix for the first known error in a text.

    Args:
        text: What a command printed.
        log: Where the text stands.
    """
    for pattern, fix in FIXES:
        if re.search(pattern, text):
            return fix
    return f'the last lines of {log} say why'


def say(message: str) -> None:
    """Print one line of progress."""
    print(f'[set-up] {message}', flush=True)
