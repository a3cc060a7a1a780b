"""Breaks copies of a working environment in many ways and tries whether mmps names the cure.

Each environment is really broken, as a user's would be; then `python -m mmps.doctor` or
tools/setup_env.sh says what is wrong, and the cure that it names is carried out. Run it with the
Python of an environment that tools/setup_env.sh made; that environment stays as it is.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from machine_cases import MACHINE_CASES, can_mount, wheel_cache
from package_cases import PACKAGE_CASES
from place import Place, take_stock
from trial import Case, TrialError, Verdict

CASES = {case.name: case for case in (*PACKAGE_CASES, *MACHINE_CASES)}
HEAD = ('| case | what is said | the cure that is named | cured | s |', '|' + ' --- |' * 5)


def main(arguments: list[str] | None = None) -> int:
    """Try the cases and print a table; 0 where every one of them is cured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='made or empty; on the disk of the environment')
    parser.add_argument('--only', nargs='+', choices=CASES, metavar='NAME', help=', '.join(CASES))
    parser.add_argument('--keep', action='store_true', help='keep the environments')
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    if folder.is_dir() and any(folder.iterdir()):
        parser.error(f'{folder} is not empty: name a new folder')
    if not any(wheel_cache().glob('*/mmcv-*.whl')):
        print(f'{wheel_cache()} has no mmcv that was built earlier: one of the cures builds it')
    cases = [case for name, case in CASES.items() if name in (options.only or CASES)]
    before = take_stock(Path(sys.prefix))
    rows, failed = [], []
    for case in cases:
        row, cured = try_case(case, folder / case.name, options.keep)
        rows.append(row)
        failed += [] if cured else [case.name]
    after = take_stock(Path(sys.prefix))
    changed = [path for path in before | after if before.get(path) != after.get(path)]
    print('', *HEAD, *rows, '', sep='\n')
    print(*(f'{case.name}: {case.emulated}.' for case in cases if case.emulated), '', sep='\n')
    print(f'{len(cases) - len(failed)} of {len(cases)} cured', *failed, sep='; not: ')
    print(f'{sys.prefix}: {len(changed)} files changed, of {len(before)}', *changed[:5])
    return int(bool(failed or changed))


def try_case(case: Case, folder: Path, keep: bool) -> tuple[str, bool]:
    """Try one case.

    Args:
        case: The case.
        folder: Where to make the broken environment.
        keep: Whether to leave it there.

    Returns:
        A row of the table, and whether the cure worked.
    """
    print(f'{case.name} ...', flush=True)
    start = time.monotonic()
    if case.mounts and not can_mount():
        verdict = Verdict('not tried: it needs the right to mount', '', cured=False)
        return describe(case, verdict, 0), False
    place = Place(folder)
    try:
        verdict = case.try_out(place)
    except (TrialError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        verdict = Verdict(f'{type(error).__name__}: {error}', '', cured=False)
    row = place.shorten(describe(case, verdict, time.monotonic() - start))
    print(row, flush=True)
    if not keep:
        shutil.rmtree(folder)
    return row, verdict.cured


def describe(case: Case, verdict: Verdict, seconds: float) -> str:
    """One row of the table, in Markdown."""
    cells = (case.name, verdict.sentence, f'`{verdict.cure}`')
    texts = [cell.replace('\n', ' ').replace('|', '\\|') for cell in cells]
    return f'| {" | ".join(texts)} | {"yes" if verdict.cured else "**no**"} | {seconds:.0f} |'


if __name__ == '__main__':
    sys.exit(main())
