"""Draws findings about the interpreter and the machine from facts: pure functions."""

from __future__ import annotations

from collections.abc import Collection

from .facts import Facts
from .findings import FAILURE, OK, WARNING, Finding
from .versions import read_python_span, set_up_elsewhere

GIB = 2**30
ENOUGH_DISK, ENOUGH_MEMORY = 5 * GIB, 4 * GIB


def check_python(facts: Facts) -> Finding:
    """The interpreter's version is one that mmps was tested with."""
    version = _dotted(facts.python)
    oldest, newest = read_python_span()
    span = f'{_dotted(oldest)} to {_dotted(newest)}'
    if is_too_old(facts):
        make = set_up_elsewhere('MMPS_PYTHON=/path/to/python', 'MMPS_VENV=DIR')
        cure = f'install Python {span}, then make an environment with it: {make}'
        return Finding('python', FAILURE, f'Python {version} is too old', cure)
    if facts.python[:2] > newest:
        found = f'Python {version} is newer than the tested {span}'
        return Finding('python', WARNING, found, f'if a package fails, take Python {span}')
    return Finding('python', OK, f'{version} ({facts.executable})')


def is_too_old(facts: Facts) -> bool:
    """Whether the interpreter is older than the oldest one that mmps was tested with.

    Args:
        facts: What was gathered.
    """
    return facts.python[:2] < read_python_span()[0]


def check_disk(facts: Facts) -> Finding:
    """Enough space where set-up and training write."""
    if not facts.folders:
        return Finding('disk', OK, 'unknown')
    least = min(facts.folders.values(), key=lambda folder: folder.free)
    found = f'{least.free / GIB:.1f} GiB free for {least.path}'
    if least.free >= ENOUGH_DISK:
        return Finding('disk', OK, found)
    short = [use for use, folder in facts.folders.items() if folder.free < ENOUGH_DISK]
    cure = f'free {ENOUGH_DISK // GIB} GiB there'
    if len(short) < len(facts.folders):
        cure += f', or take a folder on another disk: {_elsewhere(short)}'
    return Finding('disk', FAILURE if least.free < GIB // 10 else WARNING, found, cure)


def check_folders(facts: Facts) -> Finding:
    """The working, package, cache and temporary folders can be written."""
    refused = {use: folder for use, folder in facts.folders.items() if not folder.writable}
    if not refused:
        return Finding('folders', OK, 'working, package, cache and temporary folder can be written')
    paths = dict.fromkeys(folder.path for folder in refused.values())
    found = f'not writable: {", ".join(paths)}'
    cure = f'take a folder that you can write: {_elsewhere(refused)}'
    return Finding('folders', WARNING, found, cure)


def check_memory(facts: Facts) -> Finding:
    """Enough memory to build MMCV and to train a small model."""
    found = f'{facts.memory / GIB:.1f} GiB' if facts.memory else 'unknown'
    if not 0 < facts.memory < ENOUGH_MEMORY:
        return Finding('memory', OK, found)
    return Finding('memory', WARNING, found, 'build mmcv with MAX_JOBS=1 and train small batches')


def _elsewhere(uses: Collection[str]) -> str:
    # What puts another folder in the place of one that is full or cannot be written.
    commands = {
        'temporary': 'export TMPDIR=DIR',
        'cache': 'export XDG_CACHE_HOME=DIR MPLCONFIGDIR=DIR',
        'package': set_up_elsewhere('MMPS_VENV=DIR/env'),
        'working': 'cd DIR',
    }
    return ' && '.join(command for use, command in commands.items() if use in uses)


def _dotted(version: tuple[int, ...]) -> str:
    return '.'.join(map(str, version))
