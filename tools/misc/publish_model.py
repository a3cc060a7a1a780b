#!/usr/bin/env python
"""Prepare a checkpoint for publication: weights, config and calibration, but no code.

The new file's name ends in the first digits of its hash. Any torch reads it with weights_only=True.

examples:
  python tools/misc/publish_model.py work_dirs/joint-j3_retinanet_r50_fpn_c/epoch_790.pth
  python tools/misc/publish_model.py best_mAP_epoch_700.pth --out-dir published
"""

import argparse
import sys
from pathlib import Path

import mmps  # noqa: F401  # allows torch to read MMEngine's checkpoints
from mmps.checkpoints.publishing import publish
from mmps.command_line import report_user_errors, teaching_parser


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('checkpoint', type=Path, help='epoch_N.pth or best_*.pth of a training')
    parser.add_argument(
        '--out-dir',
        type=Path,
        metavar='DIR',
        help="folder of the new file (default: the checkpoint's)",
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    path = publish(args.checkpoint, args.out_dir or args.checkpoint.parent)
    print(f'{path}: {path.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
