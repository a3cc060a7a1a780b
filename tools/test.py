#!/usr/bin/env python
"""Test a checkpoint: detection, search with detected boxes, search with ground-truth boxes.

examples:
  tools/test.py CONFIG CHECKPOINT
  tools/test.py CONFIG CHECKPOINT --out predictions.npz
  tools/test.py CONFIG CHECKPOINT --cfg-options test_evaluator.protocol.gallery_sizes=[50,100]
"""

import argparse
import sys

from mmengine.config import DictAction

from mmps.apis.running import load_config, tell_user_errors, test_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='of this model, or of a plain detector')
    parser.add_argument('--work-dir', help='folder for logs (default: work_dirs/CONFIG)')
    parser.add_argument(
        '--out',
        metavar='PREDICTIONS.npz',
        help='write boxes, scores and embeddings (read them with numpy, score them with '
        'tools/analysis_tools/eval_predictions.py)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings of the config',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how processes were started; see tools/dist_test.sh',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    test_config(cfg, args.checkpoint, args.out)


if __name__ == '__main__':
    sys.exit(tell_user_errors(main))
