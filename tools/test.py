#!/usr/bin/env python
r"""Test a checkpoint: detection, search with detected boxes, search with ground-truth boxes.

queries.csv (how each query did) and calibration.json are written to a folder beside the checkpoint,
CHECKPOINT_tested/CONFIG.

examples:
  python tools/test.py configs/joint/joint-j3_retinanet_r50_fpn_c.py epoch_790.pth
  # keep boxes and embeddings, and score them in other ways without the model
  python tools/test.py CONFIG CHECKPOINT --out predictions.npz
  # batch normalisation folded into convolutions
  python tools/test.py CONFIG CHECKPOINT --fast
  # CUHK-SYSU's galleries of 50 and of 4,000 images
  python tools/test.py CONFIG CHECKPOINT \
      --cfg-options test_evaluator.protocol.gallery_sizes=[50,4000]
"""

import argparse
import sys

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmengine.config import DictAction

from mmps.apis.configs import load_config
from mmps.apis.evaluator_config import draw_predictions
from mmps.apis.running import evaluate_checkpoint
from mmps.command_line import report_user_errors, teaching_parser


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('config', help='config file that the checkpoint was trained with')
    parser.add_argument(
        'checkpoint',
        help='file such as epoch_790.pth; of a plain detector, only detection numbers are useful',
    )
    parser.add_argument(
        '--work-dir', metavar='DIR', help='folder for logs (default: work_dirs/NAME_OF_CONFIG)'
    )
    parser.add_argument(
        '--out',
        metavar='PREDICTIONS.npz',
        help='also write boxes, scores and embeddings (read them with numpy, score them with '
        'tools/analysis_tools/eval_predictions.py; default: not written)',
    )
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        help='also draw the boxes of every image into this folder (default: not drawn)',
    )
    parser.add_argument(
        '--fast',
        action='store_true',
        help='fold batch normalisation into convolutions if the results stay equal up to rounding',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, such as test_dataloader.num_workers=8 (default: none)',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run; tools/dist_test.sh sets it',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    if args.show_dir:
        draw_predictions(cfg, args.show_dir)
    evaluate_checkpoint(cfg, args.checkpoint, args.out, fast=args.fast)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
