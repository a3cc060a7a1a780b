#!/usr/bin/env python
"""Measure what the feature cache saves: a re-ID step of 128 boxes with and without it.

Without a cache the boxes' images go through the shared stages in every step: at CUHK-SYSU's
density of labelled boxes (15,080 in 11,206 images) 128 boxes are in about 95 images. That does not
fit here, so 2, 4 and 8 images in one graph are measured and a straight line is fitted.
Each measurement has a process of its own, for the peak of its memory. Weights are random. Seconds
are processor time, which other processes on the machine change little; with the one thread that is
used unless --threads says otherwise, they are the wall time of an idle core.

rows:
  cache          phase 2 as it runs: memory-mapped float16 features, replicated stages, Adam
  joint          gradients into all shared stages
  joint-frozen1  the same with the stem and C2 frozen, as mmdet's recipes for ResNet have it
  frozen-trunk   shared stages without gradients, computed in every step

examples:
  python tools/analysis_tools/benchmark_cache.py
  python tools/analysis_tools/benchmark_cache.py --repeats 1 --out cache.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmps.benchmarks.own_process import in_own_process
from mmps.benchmarks.reid_steps import CACHE, COUNTS, JOINT, steps_table
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs' / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py'


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--config', default=str(CONFIG), metavar='FILE', help='of the model')
    parser.add_argument(
        '--repeats', type=int, default=3, metavar='N', help='steps of each process that count'
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

    def measure(case: str, images: int) -> dict[str, float]:
        return in_own_process(
            'mmps.benchmarks.reid_steps:measure_step',
            case=case,
            images=images,
            repeats=args.repeats,
            config=args.config,
            threads=args.threads,
        )

    cache = measure(CACHE, 0)
    joint = {case: [measure(case, images) for images in COUNTS] for case in JOINT}
    print(steps_table(cache, joint), end='')
    if args.out:
        write_json(args.out, {'cache': cache, **joint})


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
