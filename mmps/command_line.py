"""Shared by the command lines of all tools: a ``--help`` with examples, errors in one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from mmps.structures import UserError

EXAMPLES = '\nexamples:\n'
"""Begins the last part of a tool's docstring: commands to copy."""


class TeachingFormatter(
    argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter
):
    """Keeps the lines of a docstring, and shows the default in the help of each option."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text, default = action.help or '', action.default
        # For these, the help text itself describes the default.
        if default is None or default is False or default == [] or 'default:' in text:
            return text
        if isinstance(default, list | tuple):
            return f'{text} (default: {" ".join(map(str, default))})'
        return super()._get_help_string(action)


def teaching_parser(docstring: str, prog: str | None = None) -> argparse.ArgumentParser:
    """Build a tool's parser from its docstring.

    Args:
        docstring: Description of the tool, then a paragraph that begins with ``examples:``, which
            the help shows last.
        prog: Name of the command if it is not the name of the file.
    """
    _escape_what_no_terminal_shows()
    description, heading, commands = docstring.partition(EXAMPLES)
    return argparse.ArgumentParser(
        prog=prog,
        description=description.strip(),
        epilog=heading.lstrip() + commands.rstrip(),
        formatter_class=TeachingFormatter,
    )


def report_user_errors(main: Callable[[], None]) -> int:
    """Run a tool; print an error that the user can fix as one sentence.

    Args:
        main: Main function of the tool.

    Returns:
        Exit code: 0, 2 for wrong input, 130 for an interrupt.
    """
    try:
        main()
    except KeyboardInterrupt:
        print('\ninterrupted; what was finished is kept', file=sys.stderr)
        return 130
    except UserError as error:
        # An error of a loader's worker process begins with that process's traceback.
        sentence = str(error).strip().splitlines()[-1].split('Error: ', 1)[-1]
        print(f'error: {sentence}', file=sys.stderr)
        return 2
    return 0


def _escape_what_no_terminal_shows() -> None:
    """Escape file names that cannot be printed, which would end the program."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, 'errors', None) == 'strict' and hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')
