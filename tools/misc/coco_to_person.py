#!/usr/bin/env python
"""Convert a detector's checkpoint of COCO's 80 classes to the single class person.

Use it to train a bare mmdet detector (configs/detection). Models of mmps convert such a file when
they load it. configs/detectors/README.md lists the tested detectors.

examples:
  python tools/misc/coco_to_person.py retinanet_r50_fpn_1x_coco.pth retinanet_r50_fpn_person.pth
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmps.checkpoints.reducing import reduce_to_person
from mmps.command_line import report_user_errors, teaching_parser


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument(
        'source', type=Path, metavar='IN', help='checkpoint of an mmdet detector with 80 classes'
    )
    parser.add_argument('target', type=Path, metavar='OUT', help='checkpoint to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    for name in reduce_to_person(args.source, args.target):
        print(f'cut {name}')
    print(args.target)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
