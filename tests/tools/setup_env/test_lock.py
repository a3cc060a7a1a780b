"""One set-up at a time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LOCK = Path(__file__).parents[3] / 'tools' / 'misc' / 'setup_env' / 'lock.py'
HOLD = 'echo held; read -r _'


@pytest.fixture
def file(tmp_path):
    return tmp_path / 'an env' / 'the lock'


def hold(file, script=HOLD, *arguments):
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, str(LOCK), str(file), 'bash', '-c', script, 'x', *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == 'held\n'
    return process


def test_a_free_lock_is_taken_without_a_word_again_and_again(tool, file, capsys):
    for _ in range(2):
        with tool.lock.locked(file):
            assert file.is_file()
    assert capsys.readouterr().out == ''


def test_the_second_waits_for_the_first_and_says_so(tool, file, tmp_path, capsys):
    first = hold(file, 'echo held; sleep 0.5; touch "$1"', str(tmp_path / 'done'))
    with tool.lock.locked(file):
        assert (tmp_path / 'done').exists()
    first.communicate(timeout=10)
    assert capsys.readouterr().out == f'[set-up] waiting for another set-up, which holds {file}\n'


def test_a_holder_that_is_killed_holds_nothing(tool, file, capsys):
    first = hold(file)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=10)
    with tool.lock.locked(file):
        pass
    assert capsys.readouterr().out == ''


def test_without_locks_on_the_disk_set_up_goes_on(tool, file, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(tool.lock.fcntl, 'flock', refuse)
    with tool.lock.locked(file):
        pass
    assert f'{file} cannot be locked (No locks available): start one' in capsys.readouterr().out


@pytest.mark.parametrize('code', [0, 3])
def test_the_commands_exit_code_is_kept(file, code):
    command = [sys.executable, str(LOCK), str(file), 'bash', '-c', 'exit "$1"', 'x', str(code)]
    assert subprocess.run(command, check=False).returncode == code


def test_an_interrupted_wait_ends_without_a_traceback(file):
    first = hold(file)
    second = subprocess.Popen(
        [sys.executable, str(LOCK), str(file), 'true'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert 'waiting for another set-up' in second.stdout.readline()
    time.sleep(0.1)
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=10)[1] == ''
    assert second.returncode == -signal.SIGINT
    first.communicate('\n', timeout=10)
