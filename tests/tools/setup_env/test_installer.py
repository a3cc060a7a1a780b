"""Pip, its log and what helps."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def installer(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.installer, 'ENVIRONMENT', tmp_path)
    return tool.installer.Installer()


def test_requirements_are_those_of_the_versions_file(installer):
    assert installer.requirements['mmcv'].startswith('mmcv==')
    assert installer.requirements['numpy'].startswith('numpy<=')


@pytest.mark.parametrize('made_here', [True, False])
def test_only_an_environment_of_our_own_is_held_to_the_versions(
    tool, tmp_path, monkeypatch, made_here
):
    monkeypatch.setattr(tool.installer, 'ENVIRONMENT', tmp_path)
    if made_here:
        (tmp_path / 'mmps-made.txt').touch()
    monkeypatch.setattr(tool.installer, 'is_installed', lambda name: name == 'torch')
    monkeypatch.setattr(tool.installer.metadata, 'version', lambda _: '9.8.7')
    constraints = tool.installer.Installer().constraints
    assert bool(constraints) is made_here
    if made_here:  # a torch that is there is kept
        lines = Path(constraints[1]).read_text().splitlines()
        assert {'torch==9.8.7', 'mmdet==3.3.0'} <= {*lines}


@pytest.mark.parametrize(
    ('log', 'fix'),
    [
        ('OSError: [Errno 28] No space left on device', 'free some GiB'),
        ("[Errno 13] Permission denied: '/usr/lib'", 'MMPS_VENV=DIR'),
        ("error: command 'g++' failed: No such file or directory", 'install a C++ compiler'),
        (
            'RuntimeError: The detected CUDA version (12.4) mismatches',
            'or build for the CPU: `bash tools/setup_env.sh --cpu`',
        ),
        ('c++: fatal error: Killed signal terminated program cc1plus', 'MAX_JOBS=1'),
        ('Max retries exceeded\nERROR: No matching distribution found', 'cannot be reached'),
        ('ERROR: No matching distribution found for torch==2.13.0', 'pip finds no such version'),
        ('something else', 'the last lines of the log say why'),
    ],
)
def test_fixes(tool, log, fix):
    assert fix in tool.installer.find_fix(log)


def run(installer, *command):
    installer.start(list(command))()


def test_a_failing_command_is_named_with_its_fix_and_logged(tool, installer):
    installer.log.write_text('an older run: Permission denied\n')
    code = 'print("No space left on device"); raise SystemExit(1)'
    with pytest.raises(tool.installer.SetupError, match='free some GiB'):
        run(installer, sys.executable, '-c', code)
    assert 'No space left on device' in installer.log.read_text()


def test_a_command_that_fails_for_another_reason_names_its_log(tool, installer, tmp_path):
    log = tmp_path / 'build.log'
    with pytest.raises(tool.installer.SetupError, match=rf'the last lines of {log} say why'):
        installer.start([sys.executable, '-c', 'raise SystemExit(1)'], log=log)()


def test_a_long_command_gives_signs_of_life(tool, installer, monkeypatch, capsys):
    monkeypatch.setattr(tool.installer, 'HEARTBEAT_SECONDS', 0.2)
    run(installer, sys.executable, '-c', 'import time; time.sleep(1)')
    assert '0:00 min' in capsys.readouterr().out


def test_a_command_that_is_left_running_ends_with_set_up_and_what_it_started(tmp_path):
    """pip starts compilers: ending pip alone would leave them running."""
    note = tmp_path / 'pid of the child'
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / 'tools' / 'environment' / 'setup_env')!r})
import installer, pathlib, time
installer.ENVIRONMENT = pathlib.Path({str(tmp_path)!r})
made = installer.Installer()
made.start(['bash', '-c', 'sleep 60 & echo $! >"{note}"; wait'])
while not pathlib.Path({str(note)!r}).is_file() or not pathlib.Path({str(note)!r}).read_text():
    time.sleep(0.05)
raise KeyboardInterrupt
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, check=False)
    assert b'KeyboardInterrupt' in done.stderr
    deadline = time.monotonic() + 5
    while is_running(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(note.read_text()))


def is_running(pid):
    status = Path(f'/proc/{pid}/stat')
    return status.exists() and status.read_text().rsplit(')', 1)[1].split()[0] != 'Z'
