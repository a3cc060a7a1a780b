#!/usr/bin/env python
"""Measure how fast a gallery is filled, opened and searched, beside a bare product of its size.

People are drawn: unit vectors in groups of 50. Bare product and queries alternate in one process:
their ratios hold on a busy machine too, times of an idle one are shorter.

examples:
  python tools/analysis_tools/benchmark_gallery.py
  python tools/analysis_tools/benchmark_gallery.py --people 100000 --folder /where/galleries/lie
  # a new gallery on a server, beside a file of the same people
  python tools/analysis_tools/benchmark_gallery.py --at 'postgresql://host/database?gallery=drawn'
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmps.benchmarks.gallery import BATCH, agreement, fill, is_exact, table
from mmps.benchmarks.own_process import in_own_process
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--people', type=int, default=1_000_000, metavar='N', help='rows')
    parser.add_argument('--dimension', type=int, default=256, metavar='D', help='of an embedding')
    parser.add_argument('--repeats', type=int, default=15, metavar='N', help='rounds of queries')
    parser.add_argument(
        '--folder', type=Path, help='where the gallery is written (default: a temporary folder)'
    )
    parser.add_argument(
        '--at',
        metavar='ADDRESS',
        help='of a new gallery on a server, which is measured too; hits of both are compared '
        '(default: none)',
    )
    parser.add_argument('--check', action='store_true', help='also check that hits are exact')
    parser.add_argument(
        '--out', type=Path, metavar='JSON', help='also write all figures here (default: none)'
    )
    return parser.parse_args()


def main() -> None:
    from rich.console import Console
    from rich.progress import Progress

    args = parse_args()
    figures = {}
    with TemporaryDirectory(dir=args.folder) as folder:
        path = str(Path(folder) / 'drawn.mmps')
        for place in [path, *([args.at] if args.at else [])]:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task('adding', total=-(-args.people // BATCH))
                rate = fill(place, args.people, args.dimension, partial(progress.advance, task))
            # Of a new process, whose memory and files are as when somebody opens a gallery.
            measured = in_own_process(
                'mmps.benchmarks.gallery:measure_search', path=place, repeats=args.repeats
            )
            kind = 'server' if place == args.at else 'file'
            print(f'{kind}: {table(rate, measured)}', end='', flush=True)
            figures[kind] = {'added_per_second': rate, **measured}
        if args.check:
            print('hits are exact' if is_exact(path) else 'HITS ARE NOT EXACT')
        if args.at:
            worst = figures['server']['swaps_within'] = agreement([path, args.at])
            print(
                f'100 queries x 4 filters: the top 100 of both differ by swaps within {worst:.1e}'
            )
    if args.out:
        write_json(args.out, figures)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
