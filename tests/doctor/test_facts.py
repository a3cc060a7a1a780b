from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mmps.doctor import facts
from mmps.doctor.facts import find_conflicts, installed_packages, run_probe


def test_a_probe_that_works_tells_the_version():
    import numpy as np

    probe = run_probe('numpy')
    assert (probe.ok, probe.found) == (True, {'version': np.__version__})


@pytest.mark.parametrize(
    ('code', 'error'),
    [
        ('raise ImportError("undefined symbol: x")', 'ImportError: undefined symbol: x'),
        ('import os; os._exit(3)', 'the process ended with 3'),
    ],
)
def test_a_probe_that_fails_tells_the_last_line(tmp_path, monkeypatch, code, error):
    (tmp_path / 'numpy.py').write_text(code)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    probe = run_probe('numpy')
    assert (probe.ok, probe.error) == (False, error)


def test_a_probe_that_hangs_is_given_up(tmp_path, monkeypatch):
    (tmp_path / 'numpy.py').write_text('import time; time.sleep(60)')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setattr(facts, 'PROBE_SECONDS', 0.5)
    assert run_probe('numpy').error == 'no answer within 0.5 seconds'


def test_installed_packages_are_those_that_pip_knows():
    packages = installed_packages()
    assert packages['numpy']
    assert 'mmcv-full' not in packages


def test_conflicts_are_those_of_our_packages(monkeypatch):
    said = 'mmdet 3.3.0 requires scipy, which is not installed.\n\nother 1 requires x, y.\n'
    done = subprocess.CompletedProcess([], 1, stdout=said)
    monkeypatch.setattr(facts.subprocess, 'run', lambda *_, **__: done)
    assert find_conflicts() == ('mmdet 3.3.0 requires scipy, which is not installed.',)


@pytest.fixture
def closed(tmp_path):
    """A folder that the user of the test may not search."""
    folder = tmp_path / 'another home'
    (folder / 'cache').mkdir(parents=True)
    folder.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may search every folder
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


def test_what_lies_below_a_folder_that_may_not_be_searched_is_not_there(closed):
    with pytest.raises(PermissionError):
        os.stat(closed / 'cache')
    found = facts.look_at(closed / 'cache' / 'mmps')
    assert (found.path, found.writable) == (str(closed / 'cache' / 'mmps'), False)
    assert found.free > 0


def test_the_temporary_folder_is_the_one_that_is_named_not_pythons_choice(monkeypatch):
    monkeypatch.setenv('TMPDIR', '/nowhere')
    assert facts._written_folders()['temporary'] == Path('/nowhere')


def test_a_folder_that_is_not_there_yet_is_judged_by_its_parent(tmp_path):
    (tmp_path / 'file').touch()
    folder = facts.look_at(tmp_path / 'file' / 'below')
    assert (folder.path, folder.writable) == (str(tmp_path / 'file' / 'below'), False)
    assert folder.free > 0
    assert facts.look_at(tmp_path / 'new').writable
