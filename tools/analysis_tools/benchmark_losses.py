#!/usr/bin/env python
"""Time batch-hard triplets, forward and backward, beside pytorch-metric-learning's.

Both losses run in turns, so that whatever else the machine does slows both; the ratio is that of
the medians. Needs the test extra: pip install pytorch-metric-learning

examples:
  python tools/analysis_tools/benchmark_losses.py
  python tools/analysis_tools/benchmark_losses.py --batch 512 --channels 2048 --device cuda
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmps.benchmarks.losses import OURS, PEER, measure_losses
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json
from mmps.structures import UserError


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument(
        '--batch', type=int, default=128, metavar='N', help='embeddings, four of each person'
    )
    parser.add_argument(
        '--channels', type=int, default=256, metavar='D', help='size of an embedding'
    )
    parser.add_argument('--device', default='cpu', help='where losses are computed')
    parser.add_argument(
        '--repeats', type=int, default=200, metavar='N', help='rounds that count, in turn'
    )
    parser.add_argument('--warm-up', type=int, default=20, metavar='N', help='rounds before them')
    parser.add_argument(
        '--out',
        type=Path,
        metavar='JSON',
        help='also write all figures here (default: not written)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.channels < 1 or args.repeats < 1 or args.warm_up < 0:
        raise UserError('--channels and --repeats must be at least 1, --warm-up at least 0')
    found = measure_losses(args.batch, args.channels, args.device, args.repeats, args.warm_up)
    print(f'{args.batch} x {args.channels}, forward and backward, {args.repeats} rounds in turn')
    for name in (OURS, PEER):
        print(f'{name:24s} {found[name]:7.3f} ms (median)')
    print(f'{"ratio of medians":24s} {found[PEER] / found[OURS]:7.2f}')
    if args.out:
        write_json(args.out, found)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
