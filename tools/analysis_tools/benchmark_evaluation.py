"""Time the evaluation at the size of the public test sets, beside plain loops.

The boxes are PRW's own (``test_pid.json`` as published with AlignPS) or as many as CUHK-SYSU has;
embeddings are made up, in whole numbers, so that both evaluators must agree to the last digit.

examples:
  python tools/analysis_tools/benchmark_evaluation.py
  python tools/analysis_tools/benchmark_evaluation.py --prw test_pid.json --reference-queries 0
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmps.benchmarks.full_size import cuhk_sysu_problem, noisy_predictions, prw_ground_truth
from mmps.benchmarks.full_size_evaluation import Problem, Timing, time_problem
from mmps.benchmarks.own_process import peak_bytes
from mmps.command_line import report_user_errors, teaching_parser
from mmps.evaluation import CUHKSYSUProtocol, PRWOfficialProtocol, PRWProtocol
from mmps.structures import UserError

COLUMNS = ('problem', 'queries', 'boxes', 'seconds', 'plain loops', 'ratio', 'difference')
TOLERANCE = 1e-9


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument(
        '--prw', metavar='test_pid.json', help="PRW's test boxes; default: PRW is left out"
    )
    parser.add_argument(
        '--boxes-per-image',
        type=float,
        default=5.0,
        metavar='K',
        help='found in PRW, on average',
    )
    parser.add_argument(
        '--gallery-size',
        type=int,
        default=4000,
        metavar='S',
        help='images in CUHK-SYSU galleries',
    )
    parser.add_argument(
        '--memory-mb',
        type=float,
        default=256.0,
        metavar='M',
        help='bound on similarities in memory',
    )
    parser.add_argument(
        '--reference-queries',
        type=int,
        default=40,
        metavar='N',
        help='queries that the plain loops evaluate, 0 for all',
    )
    return parser.parse_args()


def problems(args: argparse.Namespace, directory: Path) -> Iterator[Problem]:
    """Build the problems one after the other."""
    plain_loops = references()
    searcher = {'memory_mb': args.memory_mb}
    if args.prw:
        truth = prw_ground_truth(args.prw)
        found = noisy_predictions(truth, args.boxes_per_image)
        loops = plain_loops.prw_reference(truth, found)
        yield Problem('PRW', truth, found, PRWProtocol(searcher=searcher), loops)
        loops = plain_loops.official_reference(truth, found)
        protocol = PRWOfficialProtocol(searcher=searcher)
        yield Problem('PRW, official rule', truth, found, protocol, loops)
    truth, galleries = cuhk_sysu_problem(directory, args.gallery_size)
    found = noisy_predictions(truth, 6.0)
    loops = plain_loops.cuhk_sysu_reference(truth, found, galleries)
    protocol = CUHKSYSUProtocol((args.gallery_size,), searcher=searcher)
    yield Problem(f'CUHK-SYSU size, {args.gallery_size}', truth, found, protocol, loops)


def references() -> Any:
    """Import the plain loops, which need scikit-learn.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from mmps.testing import plain_loops
    except ImportError as error:
        raise UserError(f'{error}: the plain loops need it; pip install "mmps[tests]"') from error
    return plain_loops


def cells(found: Timing) -> list[str]:
    """Write a row of the table."""
    partly = found.reference_queries < found.queries
    return [
        found.problem,
        str(found.queries),
        str(found.boxes),
        f'{found.seconds:.2f}',
        f'{found.reference_seconds:.0f}'
        + (f' (from {found.reference_queries} queries)' if partly else ''),
        f'{found.reference_seconds / found.seconds:.0f}',
        f'{found.difference:.0e}',
    ]


def main() -> None:
    args = parse_args()
    if args.prw and not Path(args.prw).is_file():
        raise UserError(f'{args.prw} does not exist; give test_pid.json')
    table = Table(*COLUMNS, title=f'blocks of at most {args.memory_mb:g} MiB')
    worst = 0.0
    with tempfile.TemporaryDirectory() as directory:
        for problem in problems(args, Path(directory)):
            found = time_problem(
                problem,
                args.reference_queries,
                lambda queries: track(queries, 'Plain loops', transient=True),
            )
            worst = max(worst, found.difference)
            table.add_row(*cells(found))
    Console().print(table)
    print(f'peak memory of the whole process: {peak_bytes() / 2**20:.0f} MiB')
    if worst > TOLERANCE:
        raise SystemExit(f'the evaluation and the plain loops differ by {worst:.0e}')


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
