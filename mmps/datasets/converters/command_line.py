"""The command line that all converters share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmps.command_line import teaching_parser
from mmps.structures import DataError

from .convert import LOG_FILE, Conversion, Converter, convert
from .records import Split


def run(converter: Converter, docstring: str, argv: list[str] | None = None) -> int:
    """Convert what the command line names, and print a table.

    Args:
        converter: The data set.
        docstring: Docstring of the tool, shown by ``--help``.
        argv: Arguments; ``None``: those of the process.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    parser = teaching_parser(docstring)
    add_arguments(parser, converter.name)
    args = parser.parse_args(argv)
    return report(converter, args.root, args.out_dir, strict=args.strict)


def add_arguments(parser: argparse.ArgumentParser, dataset: str) -> None:
    """Add the arguments that every converter takes.

    Args:
        parser: Receives the arguments.
        dataset: Name of the data set, for the help text.
    """
    parser.add_argument(
        'root', type=Path, metavar='ROOT', help=f'folder of {dataset}, as it was unpacked'
    )
    parser.add_argument(
        '--out-dir',
        type=Path,
        metavar='DIR',
        help='folder for the files that are written (default: ROOT/mmps)',
    )
    parser.add_argument(
        '--strict',
        action='store_true',
        help='turn warnings into errors: a count that differs from the official one, a missing '
        'image',
    )


def report(converter: Converter, root: Path, out_dir: Path | None, *, strict: bool) -> int:
    """Convert with progress bars, then print what was found.

    Args:
        converter: The data set.
        root: Folder of the data set.
        out_dir: Folder for the files, if not the usual one.
        strict: Whether unexpected counts and missing images are errors.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    try:
        done = convert(converter, root, out_dir, strict=strict, progress=_progress)
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    _print_report(converter, done)
    return 0


def table(splits: list[Split], title: str) -> Table:
    """Lay out the counts of each split.

    Args:
        splits: The converted splits.
        title: Name of the data set.

    Returns:
        The table.
    """
    grid = Table(title=title)
    grid.add_column('split')
    for heading in ('images', 'boxes', 'labelled', 'identities', 'ignore regions', 'queries'):
        grid.add_column(heading, justify='right')
    for split in splits:
        grid.add_row(split.name, *(f'{count:,}' for count in split.counts().values()))
    return grid


def _print_report(converter: Converter, done: Conversion) -> None:
    console = Console()
    console.print(table(done.splits, converter.name))
    for line in done.log.summary():
        console.print(line, markup=False, highlight=False)
    names = ', '.join(path.name for path in done.files)
    folder = done.files[0].parent
    print(f'{folder}: {names} ({LOG_FILE} lists every dropped or corrected box)')


def _progress(items: Iterable, total: int, label: str) -> Iterable:
    return track(items, label, total)
