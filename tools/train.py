#!/usr/bin/env python
r"""Train a config: phase 1 (detector), feature cache and phase 2 (re-ID) in one run.

Logs, checkpoints and the cache go to the work directory. A run that was killed goes on with
--resume as if it had not been.

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

from mmps.apis.running import load_config, resume_from, tell_user_errors, train_config
from mmps.command_line import teaching_parser


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
        help='go on from FILE; without FILE from the newest whole checkpoint of the work directory '
        '(default: start anew)',
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
    if args.resume:
        resume_from(cfg, args.resume)
    train_config(cfg)


if __name__ == '__main__':
    sys.exit(tell_user_errors(main))
