r"""Check an annotation file, ours or COCO JSON of other tools, and report every problem at once.

With --images the headers of the images are read too, with --decode the whole images, as in
training. The exit code is 0 without errors (warnings are permitted), 1 with errors, and 2 if the
command line is wrong.

examples:
  python tools/misc/validate_dataset.py data/cuhk_sysu/mmps/train.json
  # every image completely, and none of them in the test split
  python tools/misc/validate_dataset.py data/cuhk_sysu/mmps/train.json \
      --images data/cuhk_sysu --decode --other data/cuhk_sysu/mmps/test.json
  # a file of another tool: the meaning of its ids, and a copy in our spelling
  python tools/misc/validate_dataset.py theirs.json --unlabelled 5555 --write ours.json
  # CVAT's export of one video, whose tracks are the people
  python tools/misc/validate_dataset.py cvat.json --identity-key attributes.track_id \
      --write ours.json
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.progress import track

from mmps.command_line import teaching_parser
from mmps.files import write_json
from mmps.formats.annotations import in_our_spelling
from mmps.formats.json_files import read_json
from mmps.formats.reading_options import add_reading_options, reading_of
from mmps.formats.validation import report, validate
from mmps.structures import UserError


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments; ``None``: those of the process.

    Returns:
        The arguments by name.
    """
    parser = teaching_parser(__doc__)
    parser.add_argument('annotations', type=Path, help='JSON file to check')
    parser.add_argument(
        '--images',
        type=Path,
        metavar='DIR',
        help='folder that file names are relative to (default: images are not checked)',
    )
    parser.add_argument(
        '--decode', action='store_true', help='decode every image instead of reading its header'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        metavar='N',
        help='processes that decode (default: one for each processor)',
    )
    parser.add_argument(
        '--other',
        type=Path,
        metavar='JSON',
        help='another split, which must not share images (default: none)',
    )
    add_reading_options(parser)
    parser.add_argument(
        '--write',
        type=Path,
        metavar='JSON',
        help='where to write a copy in our spelling, with people only, if there is no error '
        '(default: no copy)',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Check the file of the command line.

    Args:
        argv: Arguments; ``None``: those of the process.

    Returns:
        Exit code: 0, 1 if there is an error in the file, 2 for wrong input.
    """
    args = parse_args(argv)
    try:
        content = read_json(args.annotations)
        other = read_json(args.other) if args.other else None
        check_arguments(args)
        decode_workers = args.workers if args.decode else 0
        reading = reading_of(args)
        problems = validate(
            content, args.images, other, _progress, decode_workers, str(args.other), reading
        )
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for line in report(problems):
        print(line)
    errors = sum(problem.is_error for problem in problems)
    print(f'{args.annotations}: {errors} errors, {len(problems) - errors} warnings')
    if errors:
        return 1
    return _write(args.write, in_our_spelling(content, reading)) if args.write else 0


def check_arguments(args: argparse.Namespace) -> None:
    """Reject options that contradict each other.

    Args:
        args: The arguments by name.

    Raises:
        UserError: Images are to be read, but their folder is missing or not named.
    """
    if args.images and not args.images.is_dir():
        raise UserError(f'{args.images} is not a folder; name the folder of the images')
    if args.decode and not args.images:
        raise UserError('--decode reads images: name their folder with --images')
    if args.workers < 1:
        raise UserError(f'--workers {args.workers} must be at least 1')


def _write(path: Path, content: dict) -> int:
    try:
        write_json(path, content, compact=True)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print(f'{path} written')
    return 0


def _progress(images: Iterable, total: int) -> Iterable:
    return track(images, 'reading images', total)


if __name__ == '__main__':
    sys.exit(main())
