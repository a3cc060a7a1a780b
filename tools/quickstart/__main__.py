"""Draw data, train, evaluate, draw figures: tools/quickstart.sh runs this after the set-up.

Every step is done once: a second run continues where the first stopped. Writes results.json and
figures.

examples:
  bash tools/quickstart.sh
  # other data, and a search for a person of your own images in them
  bash tools/quickstart.sh --seed 1 --frames DIR
"""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from pathlib import Path

from footage import search_drawn_footage, search_own_footage
from pipeline import Quickstart, console, run_all
from report import draw_figures, print_table

from mmps.apis.gpu import hide_gpu_without_operators
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json
from mmps.gallery.sources import list_sources


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
        help='folder of your own images, in which one of their people is searched (default: none)',
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
    if args.frames:
        list_sources([args.frames])  # refused before anything is drawn
    folder = args.work_dir / f'seed_{args.seed}'
    if args.fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f'Everything is written to {args.work_dir.resolve()}', soft_wrap=True)
    start = Quickstart(args.work_dir, args.seed)
    results = run_all(start)
    write_json(args.work_dir / 'results.json', results)
    print_table(results)
    draw_figures(start, args.work_dir)
    console.print('[bold]Search footage with J2, as you would your own[/]')
    search_drawn_footage(start, args.work_dir / 'search.png')
    console.print(f'  {args.work_dir / "search.png"}  [dim]a person and the most similar ones[/]')
    if args.frames:
        search_own_footage(start, args.frames, args.work_dir / 'frames.png')


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
