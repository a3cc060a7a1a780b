"""Parsers of command lines whose ``--help`` teaches: examples, and the default of every option."""

from __future__ import annotations

import argparse
import sys

from mmps.formats.reading import Reading

EXAMPLES = '\nexamples:\n'
"""Begins the last part of a tool's docstring: commands to copy."""


class TeachingFormatter(
    argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter
):
    """Keeps the lines of a docstring, and adds to each option's help the default that it has."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text, default = action.help or '', action.default
        # Of these the help itself says what happens, where there is anything to say.
        if default is None or default is False or default == [] or 'default:' in text:
            return text
        if isinstance(default, list | tuple):
            return f'{text} (default: {" ".join(map(str, default))})'
        return super()._get_help_string(action)


def teaching_parser(docstring: str, prog: str | None = None) -> argparse.ArgumentParser:
    """Make a tool's parser from its docstring.

    Args:
        docstring: What the tool does, then a paragraph that begins with ``examples:``, which the
            help shows last.
        prog: How the tool is called, where that is not the name of its file.
    """
    _escape_what_no_terminal_shows()
    description, heading, commands = docstring.partition(EXAMPLES)
    return argparse.ArgumentParser(
        prog=prog,
        description=description.strip(),
        epilog=heading.lstrip() + commands.rstrip(),
        formatter_class=TeachingFormatter,
    )


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how an annotation file from elsewhere is to be read.

    Args:
        parser: Of a tool that reads annotation files; see :func:`reading_of`.
    """
    parser.add_argument(
        '--unlabelled',
        type=int,
        nargs='+',
        default=[],
        metavar='ID',
        help='person ids that mean "unknown" in this file, such as 5555 (default: negative ones)',
    )
    parser.add_argument(
        '--identity-key',
        metavar='KEY',
        help='field of annotations that holds the identities, such as attributes.track_id '
        '(default: person_id, pid or identity)',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=[],
        metavar='NAME',
        help='categories that are people (default: person, people or pedestrian, or the only one)',
    )


def reading_of(options: argparse.Namespace) -> Reading:
    """Return how a file is to be read, from the options of :func:`add_reading_options`."""
    return Reading.of(options.unlabelled, options.identity_key, options.classes)


def _escape_what_no_terminal_shows() -> None:
    """Let a file name that cannot be printed be escaped; it would end the program otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, 'errors', None) == 'strict' and hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')
