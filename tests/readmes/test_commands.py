"""Every command of every README can be given: its tool, options, values and files exist."""

from __future__ import annotations

import argparse
import functools
import importlib.util
import re
import runpy
import shlex
import shutil
import sys
from contextlib import contextmanager

import pytest

from mmps.apis import load_config
from mmps.commands.main import build_parser

from ..parsers import QUICKSTART, parser_of
from .blocks import BLOCKS, COMMANDS, ROOT, SHELLS

PROGRAMS = {'source', 'mkdir', 'ln', 'cd', 'export', 'pip', 'git', 'curl', 'docker', 'unzip'}
"""That are not ours."""

GONE = {'--no-nnpack', '--channels-last'}
"""Options of figures that were measured before these were removed."""

PLACEHOLDER = re.compile(r'[A-Z_]{2,}|[A-Z]|[A-Z_]+\.(py|pth|npz)|NAME\.\w+|\.\.\.')
cached_parser = functools.cache(parser_of)


class WrongCommandError(Exception):
    pass


def parse(tool, arguments):
    """Read arguments by the tool's own parser."""
    return read(cached_parser(tool), arguments)


def read(parser, arguments):
    def fail(parser, message):
        raise WrongCommandError(message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'error', fail)
        return parser.parse_args(arguments)


def check_config(options):
    """A config that a command names reads its options."""
    config = getattr(options, 'config', None)
    if config and (ROOT / str(config)).is_file():
        load_config(ROOT / str(config), None, getattr(options, 'cfg_options', None))


def check_shell_script(script, arguments):
    if script.stem in ('dist_train', 'dist_test'):
        wanted = 1 if script.stem == 'dist_train' else 2
        tool = ROOT / 'tools' / f'{script.stem.removeprefix("dist_")}.py'
        parse(tool, [*arguments[:wanted], *arguments[wanted + 1 :]])
    elif script.stem == 'quickstart':
        parse(QUICKSTART, arguments)
    else:
        text = script.read_text(encoding='utf-8')
        unknown = [a for a in arguments if a.startswith('-') and a not in text]
        assert not unknown, f'{script.name} has no {unknown}'


@contextmanager
def required_arguments(whole):
    """Text may leave out what is required; a block may not."""
    try:
        yield
    except WrongCommandError as error:
        if whole or 'arguments are required' not in str(error):
            raise


@pytest.mark.parametrize('command', COMMANDS, ids=str)
def test_a_command_can_be_given(command):
    program, *arguments = command.words
    if program in PROGRAMS:
        return
    if '...' in arguments:
        arguments = arguments[: arguments.index('...')]
    for word in (program, *arguments):
        if word.startswith(('configs/', 'tools/', 'tests/')) and not PLACEHOLDER.search(word):
            assert (ROOT / word).exists(), f'{word} does not exist'
    if program == '-m' and arguments[0] != 'mmps':
        assert importlib.util.find_spec(arguments[0]), f'there is no module {arguments[0]}'
        return
    whole = command.text in {c for b in BLOCKS if b.language in SHELLS for c in b.commands}
    if 'mmps' in (program, *arguments[:1]):
        given = arguments[program == '-m' :]
        with required_arguments(whole):
            read(build_parser(given[0]), given)
        return
    tool = ROOT / program
    assert program.startswith('tools/'), f'{program} is no known program'
    if PLACEHOLDER.search(tool.name):
        return
    assert tool.is_file(), f'{program} does not exist'
    if tool.suffix == '.sh':
        check_shell_script(tool, arguments)
    elif arguments and not GONE & set(arguments):
        with required_arguments(whole):
            check_config(parse(tool, arguments))


def test_a_command_that_cannot_be_given_is_found():
    with pytest.raises(WrongCommandError, match='unrecognized arguments: --epochs'):
        parse(ROOT / 'tools/train.py', ['config.py', '--epochs', '3'])
    assert len(COMMANDS) > 40


@pytest.fixture
def user_folder(drawn_set, tmp_path, monkeypatch):
    """A folder as READMEs assume it, with a drawn set where the real one would be."""
    folder = tmp_path / 'user'
    (folder / 'data').mkdir(parents=True)
    shutil.rmtree(drawn_set / 'mmps')
    shutil.move(drawn_set, folder / 'data' / 'cuhk_sysu')
    monkeypatch.chdir(folder)
    return folder


def run(command, monkeypatch):
    """Run a tool in this process, as its command does."""
    monkeypatch.setattr(sys, 'argv', command.words)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / command.words[0]), run_name='__main__')
    assert not stop.value.code


def test_converters_of_blocks_write_what_the_next_command_reads(user_folder, monkeypatch):
    found = {c.text: c for c in COMMANDS if c.text.endswith('cuhk_sysu.py data/cuhk_sysu')}
    (command,) = found.values()
    run(command, monkeypatch)
    written = {path.name for path in (user_folder / 'data/cuhk_sysu/mmps').iterdir()}
    assert {'train.json', 'test.json'} <= written
    (validate,) = [c for c in COMMANDS if 'validate_dataset.py train.json' in c.text]
    text = validate.text.replace('ROOT', 'data/cuhk_sysu')
    for name in ('train.json', 'test.json'):
        text = text.replace(name, f'data/cuhk_sysu/mmps/{name}')
    monkeypatch.setattr(sys, 'argv', shlex.split(text)[1:])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / validate.words[0]), run_name='__main__')
    assert stop.value.code in (None, 0)
