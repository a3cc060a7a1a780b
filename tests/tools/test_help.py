"""Every tool's ``--help`` teaches: what each option means, its default, commands that work."""

from __future__ import annotations

import argparse
import shlex

import pytest

from mmps.command_line import EXAMPLES

from ..parsers import QUICKSTART, ROOT, parser_of

TOOLS = sorted(
    path
    for path in (*(ROOT / 'tools').glob('*.py'), *(ROOT / 'tools').glob('*/*.py'))
    if path.parent != QUICKSTART
)


def commands(parser):
    """The examples, without remarks and with continued lines joined."""
    text = parser.epilog.removeprefix(EXAMPLES.lstrip()).replace('\\\n', ' ')
    return [line.strip() for line in text.splitlines() if not line.strip().startswith('#')]


@pytest.fixture(params=[*TOOLS, QUICKSTART], ids=lambda path: path.stem)
def parser(request):
    return parser_of(request.param)


def test_every_option_is_explained_with_its_default(parser):
    formatter = parser._get_formatter()
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:  # between a tool and its own processes
            continue
        assert action.help, f'{action.dest} has no help'
        shown = formatter._expand_help(action)
        if action.option_strings and action.nargs != 0 and not action.required:
            assert '(default: ' in shown or '; default: ' in shown, f'{action.dest}: {shown}'
        if action.default not in (None, False, argparse.SUPPRESS) and 'processor' not in shown:
            values = action.default if isinstance(action.default, list) else [action.default]
            assert all(str(value) in shown.partition('default: ')[2] for value in values)


def test_examples_can_be_given(parser):
    assert parser.description
    assert parser.epilog.startswith('examples:\n')
    found = commands(parser)
    assert found
    for command in found:
        program, script, *arguments = shlex.split(command)
        assert program in ('python', 'bash')
        assert (ROOT / script).is_file()
        assert all((ROOT / word).is_file() for word in arguments if word.startswith('configs/'))
        if program == 'python' or script.endswith('quickstart.sh'):
            parser.parse_args(arguments)
