"""Turn tracks (MOT format, ground truth or a tracker's output) into a person search set.

ROOT is a sequence, or the folder of several: each has img1/ and gt/gt.txt, or a tracker's output as
tracks.txt or ../SEQUENCE.txt. Every track becomes an identity and its first box a query, so that
any video can be searched without annotating it. The images stay where they are.

examples:
  python tools/dataset_converters/mot_tracks.py data/mot17/train/MOT17-04-FRCNN
  # every 10th frame; the first half of each sequence trains, the rest tests
  python tools/dataset_converters/mot_tracks.py data/mot17/train --every 10 --train-fraction 0.5
  # people who come back: gt.txt has persons, the other file a new number for each visit
  python tools/dataset_converters/mot_tracks.py data/pets --visits gt/visits.txt --every-box
  # a tracker whose people are of class 0 and that counts frames from 0
  python tools/dataset_converters/mot_tracks.py data/hall --person-class 0 --first-frame 0
"""

from __future__ import annotations

import argparse
import functools
import sys

from mmps.command_line import teaching_parser
from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import add_arguments, report
from mmps.datasets.converters.mot_tracks import NAME, TrackRules, parse
from mmps.structures import UserError


def main(argv: list[str] | None = None) -> int:
    """Convert the data set of the command line.

    Args:
        argv: Arguments; ``None``: those of the process.

    Returns:
        Exit code: 0, or 2 for wrong input.
    """
    args = _parser().parse_args(argv)
    try:
        rules = TrackRules(
            args.every,
            args.train_fraction,
            args.shared_ids,
            args.min_visibility,
            args.first_frame,
            tuple(args.person_class),
            args.disjoint,
            args.visits,
            args.every_box,
        )
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    read = functools.partial(parse, rules=rules)
    return report(Converter(NAME, read), args.root, args.out_dir, strict=args.strict)


def _parser() -> argparse.ArgumentParser:
    parser = teaching_parser(__doc__)
    add_arguments(parser, 'one sequence, or of several')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='keep every N-th frame')
    parser.add_argument(
        '--train-fraction',
        type=float,
        default=0.0,
        metavar='SHARE',
        help='share of each sequence, 0..1, from its start, that becomes train.json; the rest is '
        'test.json',
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
        metavar='SHARE',
        help='visible share, 0..1, below which a person becomes an ignore region',
    )
    parser.add_argument(
        '--first-frame',
        type=int,
        metavar='N',
        help='number of the first image in the track files, such as 0 if they count from 0 and the '
        'images from 1 (default: the number in its name)',
    )
    parser.add_argument(
        '--person-class',
        type=int,
        action='append',
        default=[],
        metavar='N',
        help='class number of people in the track files, repeatable (default: 1, what labels.txt '
        "calls person, pedestrian or people, or VisDrone's 1 and 2)",
    )
    parser.add_argument(
        '--disjoint',
        action='store_true',
        help='leave people of test.json unlabelled in train.json, so that training uses nobody who '
        'is searched for',
    )
    parser.add_argument(
        '--visits',
        metavar='FILE',
        help='second track file with the same boxes, where the tracks of gt.txt were merged to '
        'persons: its number is a new one when a person comes back, such as '
        "gt/gt_mot15_tracks.txt in each sequence's folder (default: no visits are written)",
    )
    parser.add_argument(
        '--every-box',
        action='store_true',
        help='every box of a person is a query, not the first of each track or visit alone',
    )
    return parser


if __name__ == '__main__':
    sys.exit(main())
