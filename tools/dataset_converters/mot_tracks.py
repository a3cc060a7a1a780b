"""Turn tracks (MOT format, ground truth or a tracker's output) into a person search set."""

from __future__ import annotations

import argparse
import functools
import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import add_arguments, report
from mmps.datasets.converters.mot_tracks import NAME, TrackRules, parse
from mmps.structures import UserError


def main(argv: list[str] | None = None) -> int:
    """Convert what the command line names.

    Args:
        argv: The arguments, ``None`` for those of the process.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, 'one sequence, or of several')
    parser.add_argument('--every', type=int, default=1, help='keep every n-th frame')
    parser.add_argument(
        '--train-fraction',
        type=float,
        default=0.0,
        help='share of each sequence, from its start, that becomes train.json; 0: all is test.json',
    )
    parser.add_argument(
        '--shared-ids',
        action='store_true',
        help='a track number means the same person in every sequence: search across sequences',
    )
    parser.add_argument(
        '--min-visibility',
        type=float,
        default=0.0,
        help='share of a person, 0..1, below which the box becomes an ignore region',
    )
    args = parser.parse_args(argv)
    try:
        rules = TrackRules(args.every, args.train_fraction, args.shared_ids, args.min_visibility)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    read = functools.partial(parse, rules=rules)
    return report(Converter(NAME, read), args.root, args.out_dir, strict=args.strict)


if __name__ == '__main__':
    sys.exit(main())
