"""Convert MOT17Det, as downloaded, to COCO JSON; tracks become identities.

ROOT holds train/MOT17-02 and further sequences (MOT17's three copies of each count once). Writes
train.json, with a camera for each sequence. The images stay where they are.

examples:
  python tools/dataset_converters/mot17_det.py data/mot17_det
  # people who are nearly hidden become ignore regions
  python tools/dataset_converters/mot17_det.py data/mot17_det --min-visibility 0.2
"""

from __future__ import annotations

import functools
import sys

from mmps.command_line import teaching_parser
from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import add_arguments, report
from mmps.datasets.converters.mot17_det import NAME, parse


def main(argv: list[str] | None = None) -> int:
    """Convert the data set of the command line.

    Args:
        argv: Arguments; ``None``: those of the process.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    parser = teaching_parser(__doc__)
    add_arguments(parser, NAME)
    parser.add_argument(
        '--min-visibility',
        type=float,
        default=0.0,
        metavar='SHARE',
        help='visible share, 0..1, below which a pedestrian becomes an ignore region',
    )
    args = parser.parse_args(argv)
    read = functools.partial(parse, min_visibility=args.min_visibility)
    return report(Converter(NAME, read), args.root, args.out_dir, strict=args.strict)


if __name__ == '__main__':
    sys.exit(main())
