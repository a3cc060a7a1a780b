"""Write the tables of results in READMEs again, from the files that hold their numbers.

A README marks a table by two comments, <!-- results: FILE.json --> before and
<!-- end of results --> after it. The files are results.json of tools/quickstart.sh and
tools/reproduce.py. A test checks that all READMEs agree with them.

examples:
  python tools/misc/update_results.py README.md configs/toy/README.md
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import read_text, write_text
from mmps.reproduction.pages import files_of, update
from mmps.structures import DataError


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('readmes', nargs='+', type=Path, metavar='README', help='files to update')
    return parser.parse_args()


def main() -> None:
    for path in parse_args().readmes:
        if not path.is_file():
            raise DataError(f'{path} does not exist')
        text = read_text(path)
        new = update(text, path.parent)
        if new != text:
            write_text(path, new)
        state = 'updated' if new != text else 'unchanged'
        print(f'{path}: {len(files_of(text))} files of results, {state}')


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
