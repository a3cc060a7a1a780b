"""What the command takes, and how it ends."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time

import pytest


@pytest.fixture
def run(tool, monkeypatch):
    """Runs the command with another set-up in its place, as from a terminal."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # Shells start background jobs with SIGINT ignored, the tests among them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(step, *arguments):
        monkeypatch.setattr(tool.main, 'set_up', step)
        monkeypatch.setattr(sys, 'argv', ['setup', '--stack', 'openmmlab', *arguments])
        return tool.main.main()

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ('arguments', 'device'), [([], ''), (['--gpu'], 'gpu'), (['--cpu'], 'cpu')]
)
def test_what_operators_are_asked_for(run, arguments, device):
    seen = []
    assert run(lambda _, options: seen.append(options.device), *arguments) == 0
    assert seen == [device]


def test_another_torch_is_handed_on(run):
    seen = []
    assert run(lambda installer, _: seen.append(installer.requirements), '--torch', '9.8.7') == 0
    assert seen[0]['torch'] == 'torch==9.8.7'


def test_operators_for_both_are_refused(run, capsys):
    with pytest.raises(SystemExit, match='2'):
        run(None, '--gpu', '--cpu')
    assert 'not allowed with argument --gpu' in capsys.readouterr().err


def test_a_disk_that_fills_up_is_an_error_with_a_fix(run, capsys):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'mmps-setup.log')

    assert run(fail) == 1
    said = capsys.readouterr().out
    assert "No space left on device: 'mmps-setup.log': a disk is full: free some GiB" in said


def test_a_failed_step_is_told_with_the_log(tool, run, capsys):
    def fail(*_):
        raise tool.main.SetupError('x is wrong: do y')

    assert run(fail) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == '[set-up] FAILED: x is wrong: do y'
    assert 'What is done is kept: fix it and run again. The log: ' in second


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_says_how_to_go_on(run, capsys, number):
    def interrupted(*_):
        os.kill(os.getpid(), number)
        time.sleep(10)

    assert run(interrupted) == 130
    assert capsys.readouterr().out == '[set-up] interrupted: run again to go on from here\n'
