"""Parsers of command lines whose ``--help`` teaches: examples, and the default of every option."""

from __future__ import annotations

import argparse

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
    description, heading, commands = docstring.partition(EXAMPLES)
    return argparse.ArgumentParser(
        prog=prog,
        description=description.strip(),
        epilog=heading.lstrip() + commands.rstrip(),
        formatter_class=TeachingFormatter,
    )
