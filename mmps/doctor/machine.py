"""Draws findings about the interpreter and the machine from facts: pure functions."""

from __future__ import annotations

from collections.abc import Collection

from .facts import Facts
from .findings import FAILURE, OK, WARNING, Finding
from .versions import read_tested, set_up_in

GIB = 2**30
ENOUGH_DISK = 5 * GIB


def check_python(facts: Facts) -> Finding:
    """The interpreter's version is one that mmps was tested with; ``import mmps`` refuses older."""
    span = read_tested('python')
    if facts.python[:2] <= tuple(map(int, span[-1].split('.'))):
        return Finding('python', OK, '.'.join(map(str, facts.python)))
    found = f'Python {facts.python[0]}.{facts.python[1]} is newer than the tested {span[-1]}'
    return Finding('python', WARNING, found, f'if a package fails, take Python {" to ".join(span)}')


def check_disk(facts: Facts) -> Finding:
    """Enough space where set-up and training write."""
    least = min(facts.folders.values(), key=lambda folder: folder.free)
    found = f'{least.free / GIB:.1f} GiB free for {least.path}'
    short = [use for use, folder in facts.folders.items() if folder.free < ENOUGH_DISK]
    if not short:
        return Finding('disk', OK, found)
    fix = f'free {ENOUGH_DISK // GIB} GiB there'
    if len(short) < len(facts.folders):
        fix += f', or take a folder on another disk: {_elsewhere(short)}'
    return Finding('disk', FAILURE if least.free < GIB // 10 else WARNING, found, fix)


def check_folders(facts: Facts) -> Finding:
    """The working, package, cache and temporary folders can be written."""
    refused = {use: folder for use, folder in facts.folders.items() if not folder.writable}
    if not refused:
        return Finding('folders', OK, 'working, package, cache and temporary folder can be written')
    paths = dict.fromkeys(folder.path for folder in refused.values())
    fix = f'take a folder that you can write: {_elsewhere(refused)}'
    return Finding('folders', WARNING, f'not writable: {", ".join(paths)}', fix)


def _elsewhere(uses: Collection[str]) -> str:
    # What puts another folder in the place of one that is full or cannot be written.
    commands = {
        'temporary': 'export TMPDIR=DIR',
        'cache': 'export XDG_CACHE_HOME=DIR MPLCONFIGDIR=DIR',
        'package': set_up_in('DIR/env'),
        'working': 'cd DIR',
    }
    return ' && '.join(command for use, command in commands.items() if use in uses)
