"""Draw a pedestrian or person search data set in the on-disk layout of an official one.

The same arguments produce the same bytes. A folder that already contains this set is not changed.

examples:
  python tools/misc/make_synthetic.py data/synthetic --layout cuhk_sysu
  python tools/misc/make_synthetic.py data/drawn_prw --layout prw --images 120 --identities 30
  # other people and scenes, in another drawing style
  python tools/misc/make_synthetic.py data/other --layout cuhk_sysu --seed 1 --domain b
  # harder worlds that play CUHK-SYSU, PRW, MOT17Det and WIDER Pedestrian
  python tools/misc/make_synthetic.py data/c --layout cuhk_sysu --domain c --images 400
  python tools/misc/make_synthetic.py data/p --layout prw --domain p --images 400
  python tools/misc/make_synthetic.py data/m --layout mot17_det --domain m --images 400
  python tools/misc/make_synthetic.py data/w --layout wider_pedestrian --domain w --images 400
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.progress import track

from mmps.command_line import teaching_parser
from mmps.synthetic import (
    LAYOUTS,
    WORLDS,
    DrawnScene,
    Recipe,
    RecipeError,
    default_size,
    is_drawn,
    make,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments; ``None``: those of the process.

    Returns:
        The arguments by name.
    """
    parser = teaching_parser(__doc__)
    parser.add_argument('out_dir', type=Path, metavar='OUT_DIR', help='new folder for the data set')
    parser.add_argument(
        '--layout', required=True, choices=LAYOUTS, help='data set whose layout to write'
    )
    parser.add_argument(
        '--seed',
        type=_at_least(0),
        default=0,
        metavar='N',
        help='determines everything that is drawn',
    )
    parser.add_argument(
        '--domain',
        choices=WORLDS,
        default='a',
        help='who is drawn, where, and by which cameras: a and b are two flat drawing styles; '
        'm, w, c and p are people and places in space with the traits of MOT17Det (crowds in '
        'sequences), WIDER Pedestrian (high cameras), CUHK-SYSU (varied scenes, few appearances '
        'of many people) and PRW (six fixed cameras, many appearances)',
    )
    parser.add_argument(
        '--images',
        type=_at_least(1),
        metavar='N',
        help='images in all splits together; in the layout cuhk_sysu 135 fill galleries of 50, '
        '266 galleries of 100 (default: the usual number of the layout)',
    )
    parser.add_argument(
        '--identities',
        type=_at_least(1),
        metavar='N',
        help='people in all splits together (default: in proportion to the images, by domain)',
    )
    parser.add_argument(
        '--workers',
        type=_at_least(1),
        default=min(4, os.cpu_count() or 1),
        metavar='N',
        help='processes that draw; the result does not depend on it (default: one for each '
        'processor, at most 4)',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Draw the data set of the command line.

    Args:
        argv: Arguments; ``None``: those of the process.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    args = parse_args(argv)
    size = default_size(args.layout, args.images, args.identities, args.domain)
    recipe = Recipe(args.layout, args.domain, args.seed, *size)
    if is_drawn(args.out_dir, recipe):
        print(f'{args.out_dir} already contains this set')
        return 0
    try:
        scenes = make(args.out_dir, recipe, args.workers, _progress)
    except (RecipeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    people = sum(len(scene.people) for scene in scenes)
    print(f'{args.out_dir}: {len(scenes)} images with {people} people in {args.layout} layout')
    return 0


def _progress(scenes: Iterable[DrawnScene], total: int) -> Iterable[DrawnScene]:
    return track(scenes, 'drawing', total)


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f'must be at least {least}')
        return value

    return number


if __name__ == '__main__':
    sys.exit(main())
