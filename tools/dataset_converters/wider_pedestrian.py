"""Convert WIDER Pedestrian of 2018 or 2019, as downloaded, to COCO JSON.

ROOT is the folder of either release, which is detected. Writes train.json and val.json
for the detector: nobody has an identity. The images stay where they are.

examples:
  python tools/dataset_converters/wider_pedestrian.py data/wider_pedestrian
  python tools/dataset_converters/wider_pedestrian.py data/wider_pedestrian --ignore-cyclists
"""

from __future__ import annotations

import functools
import sys

from mmps.command_line import teaching_parser
from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import add_arguments, report
from mmps.datasets.converters.wider_pedestrian import NAME, parse


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
        '--ignore-cyclists',
        action='store_true',
        help='make the cyclists of 2018 ignore regions; they count as people otherwise, '
        'as in the official metric',
    )
    args = parser.parse_args(argv)
    read = functools.partial(parse, ignore_cyclists=args.ignore_cyclists)
    return report(Converter(NAME, read), args.root, args.out_dir, strict=args.strict)


if __name__ == '__main__':
    sys.exit(main())
