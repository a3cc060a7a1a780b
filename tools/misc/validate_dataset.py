"""Check an annotation file, ours or COCO JSON from elsewhere, and report every problem at once."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.progress import track

from mmps.datasets.converters.coco import write_json
from mmps.datasets.validation import normalise_identities, report, validate
from mmps.structures import UNLABELLED, DataError


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: The arguments, ``None`` for those of the process.

    Returns:
        The arguments by name.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('annotations', type=Path, help='JSON file to check')
    parser.add_argument('--images', type=Path, help='folder of the pictures, to check them too')
    parser.add_argument('--other', type=Path, help='another split, which must not share pictures')
    parser.add_argument(
        '--unlabelled',
        type=int,
        nargs='+',
        default=[UNLABELLED],
        help='person ids that mean "unknown" in this file, such as -1 -2 5555',
    )
    parser.add_argument('--write', type=Path, help='write the file with ids in our spelling here')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Check what the command line names.

    Args:
        argv: The arguments, ``None`` for those of the process.

    Returns:
        Exit code: 0, 1 if there is an error in the file, 2 for wrong input.
    """
    args = parse_args(argv)
    try:
        content = _read(args.annotations, args.unlabelled)
        other = _read(args.other, args.unlabelled) if args.other else None
        if args.images and not args.images.is_dir():
            raise DataError(f'{args.images} is not a folder; name the folder of the pictures')
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    problems = validate(content, args.images, other, _progress)
    for line in report(problems):
        print(line)
    errors = sum(problem.is_error for problem in problems)
    print(f'{args.annotations}: {errors} errors, {len(problems) - errors} warnings')
    if errors:
        return 1
    if args.write:
        write_json(args.write, content)
        print(f'{args.write} written')
    return 0


def _read(path: Path, unlabelled: list[int]) -> dict:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise DataError(f'{path} does not exist; name an annotation file') from error
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path} is no JSON ({error}); export it again') from error
    return (
        normalise_identities(content, tuple(unlabelled)) if isinstance(content, dict) else content
    )


def _progress(images: list[dict]) -> Iterable[dict]:
    return track(images, 'reading pictures')


if __name__ == '__main__':
    sys.exit(main())
