"""Draw a pedestrian or person search data set in the on-disk layout of an official one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.progress import track

from mmps.datasets.synthetic import (
    LAYOUTS,
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
        argv: The arguments, ``None`` for those of the process.

    Returns:
        The arguments by name.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out_dir', type=Path, help='new folder for the data set')
    parser.add_argument('--layout', required=True, choices=LAYOUTS, help='official layout to write')
    parser.add_argument('--seed', type=_at_least(0), default=0, help='decides everything drawn')
    parser.add_argument('--domain', choices=('a', 'b'), default='a', help='drawing style')
    parser.add_argument(
        '--images',
        type=_at_least(1),
        help='pictures in all splits together; in cuhk_sysu layout 135 give full galleries of 50, '
        '266 galleries of 100',
    )
    parser.add_argument('--identities', type=_at_least(1), help='people in all splits together')
    parser.add_argument(
        '--workers',
        type=_at_least(1),
        default=min(4, os.cpu_count() or 1),
        help='processes that draw; the result is the same for any number',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Draw what the command line asks for.

    Args:
        argv: The arguments, ``None`` for those of the process.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    args = parse_args(argv)
    size = default_size(args.layout, args.images, args.identities)
    recipe = Recipe(args.layout, args.domain, args.seed, *size)
    if is_drawn(args.out_dir, recipe):
        print(f'{args.out_dir} already holds this set')
        return 0
    try:
        scenes = make(args.out_dir, recipe, args.workers, _progress)
    except (RecipeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    people = sum(len(scene.people) for scene in scenes)
    print(f'{args.out_dir}: {len(scenes)} pictures with {people} people in {args.layout} layout')
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
