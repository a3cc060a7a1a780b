"""Find a person in your own images and videos.

Index footage once, then search it for anybody: by a photograph, or by a box in one of the images.

examples:
  # who is in these videos and images? one gallery file holds the answer
  mmps index people.mmps footage/ --model published.pth
  # people of an image, numbered; then the visits of number 2
  mmps people query.jpg --model published.pth
  mmps search people.mmps --image query.jpg --pick 2 --sheet hits.png
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from mmps.command_line import report_user_errors, teaching_parser
from mmps.version import __version__

COMMANDS = {
    'index': 'find the people of images and videos and keep them in a gallery',
    'search': 'find a person in a gallery',
    'serve': 'answer searches by a page and an HTTP API',
    'people': 'number the people of an image, to pick one of them',
    'info': 'show what a gallery holds',
    'remove': 'remove people from a gallery',
    'merge': 'put galleries together',
    'compact': 'free the space of removed people',
    'export': "write a gallery's people as JSON, CSV or COCO",
    'onnx': 'write a model as ONNX files, for machines without PyTorch',
    'doctor': 'check that everything that mmps needs works here',
}
"""What each command does; each is a module beside this one."""


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Build the parser of the whole command.

    Args:
        command: The one that is going to run, whose options alone are needed; those of all
            commands where left out.
    """
    parser = teaching_parser(__doc__, prog='mmps')
    parser.add_argument('--version', action='version', version=f'mmps {__version__}')
    choices = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name, summary in COMMANDS.items():
        if command in (None, name):
            # Modules are imported when they are needed, so that --help answers at once.
            module = import_module(f'mmps.commands.{name}')
            own = teaching_parser(module.__doc__, prog=f'mmps {name}')
            child = choices.add_parser(
                name,
                help=summary,
                description=own.description,
                epilog=own.epilog,
                formatter_class=own.formatter_class,
            )
            module.add_options(child)
            child.set_defaults(run=module.run)
        else:
            choices.add_parser(name, help=summary)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Used instead of those of the process.

    Returns:
        Exit code: 0; 1 where a command found something wrong; 2 for wrong input; 130 for an
        interrupt.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Notes of these libraries to their callers are of no use at a terminal.
    warnings.filterwarnings('ignore', module='torch|mmcv|mmdet|mmengine')
    code = 0

    def run() -> None:
        nonlocal code
        named = given[0] if given and given[0] in COMMANDS else ''
        options = build_parser(named).parse_args(given)
        code = options.run(options) or 0

    try:
        return report_user_errors(run) or code
    except BrokenPipeError:  # such as `mmps search ... | head`
        sys.stderr.close()
        return 0
