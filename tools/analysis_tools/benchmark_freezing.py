#!/usr/bin/env python
"""Measure what frozen stages would save in a step of phase 1, which the paper's configs do without.

A step is the detector's losses on images of noise with five people each, their gradients, and the
update. Both settings take turns, each time in a process of its own, for the peak of its memory.
Weights are random. Seconds are processor time.

examples:
  python tools/analysis_tools/benchmark_freezing.py
  python tools/analysis_tools/benchmark_freezing.py --batch 4 \
      --config configs/joint/joint-j2_retinanet_r50_fpn_c.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmps.benchmarks.freezing import FROZEN, freezing_table
from mmps.benchmarks.own_process import in_own_process
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs' / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py'


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--config', default=str(CONFIG), metavar='FILE', help='of the model')
    parser.add_argument('--batch', type=int, default=2, metavar='N', help='images per step')
    parser.add_argument(
        '--repeats', type=int, default=2, metavar='N', help='steps of each process that count'
    )
    parser.add_argument(
        '--rounds', type=int, default=5, metavar='N', help='processes for each setting, in turn'
    )
    parser.add_argument(
        '--threads', type=int, default=1, metavar='N', help='on the CPU, of each process'
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='JSON',
        help='also write all figures here (default: not written)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    results: dict[int, list[dict[str, float]]] = {value: [] for value in FROZEN}
    for _ in range(args.rounds):
        for value, rounds in results.items():
            found = in_own_process(
                'mmps.benchmarks.freezing:measure_freezing',
                config=args.config,
                frozen_stages=value,
                batch=args.batch,
                repeats=args.repeats,
                threads=args.threads,
            )
            rounds.append(found)
    print(freezing_table(results), end='')
    if args.out:
        write_json(args.out, {str(value): rounds for value, rounds in results.items()})


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
