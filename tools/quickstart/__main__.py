"""Draw data, train, evaluate, draw figures: tools/quickstart.sh runs this after the set-up.

Every step is done once: a second run continues where the first stopped. Writes results.json and
figures.

examples:
  bash tools/quickstart.sh
  # other data, and a search for the drawn people in your own images
  bash tools/quickstart.sh --seed 1 --frames DIR
"""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from pathlib import Path

from pipeline import Quickstart, console, run_all
from report import draw_pictures, print_table, search_frames

from mmps.apis.gpu import hide_gpu_without_operators
from mmps.apis.inference import list_images
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__, prog='quickstart.sh')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='chooses the data to draw')
    parser.add_argument(
        '--fresh', action='store_true', help='start again instead of continuing where it stopped'
    )
    parser.add_argument(
        '--frames',
        type=Path,
        metavar='DIR',
        help='folder of your own images to search too (default: none)',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/quickstart'),
        metavar='DIR',
        help='folder for everything that is written',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    hide_gpu_without_operators()
    warnings.simplefilter('ignore')
    pictures = list_images(args.frames) if args.frames else []
    folder = args.work_dir / f'seed_{args.seed}'
    if args.fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f'Everything is written to {args.work_dir.resolve()}', soft_wrap=True)
    start = Quickstart(args.work_dir, args.seed)
    results = run_all(start)
    write_json(args.work_dir / 'results.json', results)
    print_table(results)
    draw_pictures(start, args.work_dir)
    if pictures:
        search_frames(start, pictures, args.work_dir / 'ranked_frames.png')


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
