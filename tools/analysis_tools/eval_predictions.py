r"""Score anyone's person-search predictions: no model, no images, one .npz file.

The file holds image_ids (N,), bboxes (N, 4) as x1 y1 x2 y2 in pixels, scores (N,), embeddings
(N, D) and query_embeddings (Q, D); similarity is the dot product of the rows as given.
mmps/evaluation/README.md says what each rule counts.

examples:
  python tools/analysis_tools/eval_predictions.py data/cuhk_sysu/mmps/test.json predictions.npz \
      --protocol cuhk_sysu --gallery-size 50 100 4000 --gt-boxes --out metrics.json
  # PRW: all cameras, then the other cameras alone
  python tools/analysis_tools/eval_predictions.py data/prw/mmps/test.json predictions.npz \
      --protocol prw --boxes-per-image 3 5 10
  python tools/analysis_tools/eval_predictions.py data/prw/mmps/test.json predictions.npz \
      --protocol prw --camera cross --bootstrap 1000 --details explained
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import torch.distributed
from rich.console import Console
from rich.table import Table

from mmps.command_line import teaching_parser
from mmps.evaluation import (
    GroundTruth,
    Predictions,
    Report,
    confidence_intervals,
    evaluate_predictions,
)
from mmps.evaluation.details import write_details
from mmps.evaluation.protocols.options import (
    add_protocol_options,
    add_searcher_options,
    protocol_config,
)
from mmps.files import check_can_write, write_json
from mmps.formats.reading_options import add_reading_options
from mmps.registry import TASK_UTILS
from mmps.structures import DataError, UserError


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = teaching_parser(__doc__)
    parser.add_argument('annotations', metavar='TEST_JSON', help='annotation file with queries')
    parser.add_argument(
        'predictions', metavar='PREDICTIONS.npz', help='boxes, scores and embeddings to score'
    )
    add_protocol_options(parser)
    parser.add_argument(
        '--gt-boxes', action='store_true', help='search the annotated boxes as well'
    )
    parser.add_argument(
        '--score-thr', type=float, default=0.0, metavar='T', help='smallest score that counts'
    )
    parser.add_argument(
        '--out', metavar='METRICS.json', help='also write the numbers here (default: not written)'
    )
    add_further_options(parser)
    return parser.parse_args(argv)


def add_further_options(parser: argparse.ArgumentParser) -> None:
    """Add what changes similarities, and what explains the numbers."""
    further = parser.add_argument_group('further options')
    add_searcher_options(further)
    further.add_argument(
        '--detected-queries',
        action='store_true',
        help="take a query's embedding from the detection that overlaps its box most",
    )
    further.add_argument(
        '--bootstrap',
        type=int,
        default=0,
        metavar='N',
        help='95 %% intervals from N draws; 0: none',
    )
    further.add_argument(
        '--details',
        metavar='DIR',
        help='folder for queries.csv and calibration.json (default: not written)',
    )
    add_reading_options(further)


def evaluate(args: argparse.Namespace) -> Report:
    """Load the files, evaluate them, write what explains the numbers."""
    if args.out:
        check_can_write(Path(args.out))
    if args.details:
        check_can_write(Path(args.details), is_folder=True)
    ground_truth = GroundTruth.load(
        args.annotations, args.unlabelled, args.identity_key, args.classes
    )
    if ground_truth.num_queries == 0:
        raise DataError(f'{args.annotations} has no queries; take the test file of a data set.')
    protocol = TASK_UTILS.build(protocol_config(args))
    protocol.check(ground_truth)
    predictions = Predictions.load(args.predictions)
    report = evaluate_predictions(
        ground_truth,
        predictions,
        protocol,
        args.score_thr,
        args.gt_boxes,
        args.detected_queries,
        calibrated=args.details is not None,
    )
    if args.bootstrap:
        intervals = confidence_intervals(report, protocol.ks, args.bootstrap)
        report = replace(report, metrics={**report.metrics, **intervals})
    if args.details and is_first_process():
        write_details(args.details, report, ground_truth)
    return report


def counted_queries(report: Report) -> dict[str, dict[str, int]]:
    """Count by setting the queries that have somebody to find: numbers are means over these."""
    return {
        setting.strip('/') or 'search': {
            'counted': int(results.counted.sum()),
            'all': len(results),
        }
        for setting, results in report.queries.items()
    }


def print_table(report: Report, title: str) -> None:
    """Print the numbers in percent, one setting a row, and over how many queries they are means."""
    rows: dict[str, dict[str, float]] = {}
    for key, value in report.metrics.items():
        setting, _, name = key.rpartition('/')
        rows.setdefault(setting or 'search', {})[name] = value
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = Table('setting', *columns, 'queries', title=title)
    counted = counted_queries(report)
    for setting, row in rows.items():
        numbers = [f'{100 * row[c]:.2f}' if c in row else '' for c in columns]
        queries = '{counted} of {all}'.format(**counted[setting]) if setting in counted else ''
        table.add_row(setting, *numbers, queries)
    Console().print(table)


def settings(args: argparse.Namespace, report: Report) -> dict:
    """Return every option that the numbers depend on, and the numbers of averaged queries."""
    queries = 'detections' if args.detected_queries else 'annotated boxes'
    return {
        'protocol': protocol_config(args),
        'score_thr': args.score_thr,
        'query_embeddings': queries,
        'queries': counted_queries(report),
        'bootstrap_draws': args.bootstrap,
        'unlabelled_ids': args.unlabelled,
        'identity_key': args.identity_key,
        'classes': args.classes,
    }


def title(args: argparse.Namespace) -> str:
    """Describe the conventions in one line."""
    parts = [args.protocol, args.convention, f'score >= {args.score_thr:g}']
    has_cameras = 'cross_camera' in protocol_config(args)
    parts += [f'camera {args.camera}'] if has_cameras or args.camera != 'all' else []
    parts += ['other visits'] if args.other_visits else []
    parts += ['score-weighted'] if args.score_weighted else []
    parts += ['queries from detections'] if args.detected_queries else []
    parts += [f'CBGM {args.cbgm}'] if args.cbgm else []
    parts += [f'k-reciprocal {args.k_reciprocal}'] if args.k_reciprocal else []
    return ', '.join(parts) + ' (percent)'


def join_processes() -> None:
    """Share the queries among the processes of ``torchrun``."""
    if int(os.environ.get('WORLD_SIZE', '1')) > 1:
        torch.distributed.init_process_group('gloo')
        # Left to the interpreter's end, gloo's threads may abort the process.
        atexit.register(torch.distributed.destroy_process_group)


def is_first_process() -> bool:
    """Check whether this process writes files."""
    return os.environ.get('RANK', '0') == '0'


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate, print, write; 2 for wrong input."""
    args = parse_args(argv)
    join_processes()
    try:
        report = evaluate(args)
        print_table(report, title(args))
        if args.out and is_first_process():
            out = Path(args.out)
            write_json(out, report.metrics)
            write_json(out.with_suffix('.settings.json'), settings(args, report))
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
