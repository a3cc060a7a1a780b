#!/usr/bin/env python
"""Train a config: phase 1 (detector), feature cache and phase 2 (re-ID) in one run.

examples:
  tools/train.py configs/toy/joint-j2_retinanet_r18_fpn_synthetic.py
  tools/train.py CONFIG --resume                    go on after a kill, as if it had not been
  tools/train.py CONFIG --cfg-options load_from=DETECTOR.pth default_hooks.two_phase.start=reid
                                                    phase 2 alone, on a trained detector
"""

import argparse
import sys

from mmengine.config import DictAction

from mmps.apis.running import load_config, resume_from, tell_user_errors, train_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir', help='folder for logs, checkpoints and caches (default: work_dirs/CONFIG)'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='FILE',
        help='go on from FILE, or from the newest whole checkpoint of the work directory',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision, in both phases')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_dataloader.batch_size=4',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how processes were started; see tools/dist_train.sh',
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
