#!/usr/bin/env python
r"""Train a config: phase 1 (detector), feature cache and phase 2 (re-ID) in one run.

Logs, checkpoints and the cache go to the work directory. After a kill, --resume
continues with the same weights as an uninterrupted run.

examples:
  python tools/train.py configs/joint/joint-j3_retinanet_r50_fpn_c.py
  python tools/train.py configs/joint/joint-j3_retinanet_r50_fpn_c.py --resume
  # phase 2 alone, on a detector that is trained already
  python tools/train.py configs/joint/joint-j2_retinanet_r50_fpn_c.py --cfg-options \
      load_from=work_dirs/joint-j3_retinanet_r50_fpn_c/detector.pth \
      default_hooks.two_phase.start=reid
  # four processes, one for each GPU
  bash tools/dist_train.sh configs/joint/joint-j3_retinanet_r50_fpn_c.py 4
"""

import argparse
import sys

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from mmengine.config import DictAction

from mmps.apis.configs import load_config, resume_from, starts_with_reid
from mmps.apis.running import train_config
from mmps.command_line import report_user_errors, teaching_parser


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('config', help='config file, such as those in configs/joint')
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help='folder for logs, checkpoints and the cache (default: work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='FILE',
        help='continue from FILE; without FILE from the newest whole checkpoint of the work '
        'directory (default: start from the beginning)',
    )
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision, in both phases (needs a GPU)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, such as train_dataloader.batch_size=4 (default: none)',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run; tools/dist_train.sh sets it',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume and resume_from(cfg, args.resume) is None:
        what = 'Nothing of phase 2' if starts_with_reid(cfg) else 'Nothing'
        print(f'{what} to resume in {cfg.work_dir}: starting from the beginning')
    train_config(cfg)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
