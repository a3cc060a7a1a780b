"""``python -m mmps.doctor`` in environments that are really broken, by what stands on the path."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mmdet
import pytest

from mmps.doctor import __main__ as command
from mmps.doctor.findings import FAILURE, OK, WARNING, Finding

ROOT = Path(__file__).parents[2]


VERSION_2_2 = """
__version__ = '2.2.0'
version_info = (2, 2, 0)
parse_version_info = None
__all__ = ['__version__', 'version_info', 'parse_version_info']
"""


def doctor(*arguments, python=sys.executable, **environment):
    environment = {'PYTHONPATH': str(ROOT), **environment}
    return subprocess.run(
        [python, '-m', 'mmps.doctor', *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def failures(done):
    assert 'Traceback' not in done.stderr, done.stderr
    found = json.loads(done.stdout)['findings']
    return {f['name']: f for f in found if f['status'] == FAILURE}


def shadow(folder, module, code):
    """Put a module on the path that hides the real one; returns the path."""
    target = folder / Path(*module.split('.'))
    target.mkdir(parents=True)
    (target / '__init__.py').write_text(code)
    return os.pathsep.join([str(folder), str(ROOT)])


def missing(name):
    return f'raise ModuleNotFoundError("No module named {name!r}", name={name!r})'


@pytest.mark.installer
def test_this_environment_works():
    done = doctor('--json')
    report = json.loads(done.stdout)
    assert (done.returncode, report['ok'], failures(done)) == (0, True, {})
    assert {'mmps', 'platform', 'facts', 'findings'} < report.keys()


@pytest.mark.installer
@pytest.mark.parametrize(
    ('module', 'code', 'check', 'sentence'),
    [
        ('torch', missing('torch'), 'torch', 'torch is missing'),
        ('torch', 'raise OSError("libtorch.so: broken")', 'torch', 'torch does not work: OSError'),
        ('numpy', missing('numpy'), 'numpy', 'numpy is missing'),
        ('mmengine', missing('mmengine'), 'mmengine', 'mmengine is missing'),
        ('mmcv', 'raise RuntimeError("half installed")', 'ops', 'half installed'),
        (
            'cv2',
            'raise AttributeError("_ARRAY_API not found")',
            'opencv',
            'opencv does not work with numpy',
        ),
    ],
)
def test_broken_packages_get_one_sentence_and_a_fix(tmp_path, module, code, check, sentence):
    done = doctor('--json', PYTHONPATH=shadow(tmp_path, module, code))
    found = failures(done)
    assert done.returncode == 1
    assert list(found) == [check]
    assert sentence in found[check]['found']
    assert 'tools/setup_env.sh' in found[check]['fix']


def shadow_mmcv(folder, **replaced):
    """A copy of the installed mmcv, by links, with some files replaced or left out (None)."""
    real = Path(importlib.util.find_spec('mmcv').origin).parent
    target = folder / 'mmcv'
    target.mkdir()
    for entry in real.iterdir():
        if entry.name.split('.')[0] not in replaced:
            (target / entry.name).symlink_to(entry)
    for name, code in replaced.items():
        if code is not None:
            (target / f'{name}.py').write_text(code)
    return os.pathsep.join([str(folder), str(ROOT)])


@pytest.mark.installer
@pytest.mark.parametrize(
    ('replaced', 'check', 'sentence'),
    [
        ({'_ext': 'raise ImportError("_ext.so: undefined symbol: _ZN3c10")'}, 'ops', 'built for'),
        ({'_ext': None}, 'ops', 'has no compiled operators'),
        (
            {'version': VERSION_2_2},
            'mmdet',
            'does not accept mmcv',
        ),
    ],
    ids=['another torch', 'no compiled operators', 'mmcv 2.2'],
)
def test_broken_mmcv_gets_one_sentence_and_a_fix(tmp_path, replaced, check, sentence):
    if check == 'mmdet' and not hasattr(mmdet, 'mmcv_maximum_version'):
        pytest.skip("the fork's mmdet takes any mmcv")
    done = doctor('--json', PYTHONPATH=shadow_mmcv(tmp_path, **replaced), PATH='')
    found = failures(done)
    assert list(found) == [check]
    assert sentence in found[check]['found']
    assert 'tools/setup_env.sh' in found[check]['fix']


@pytest.mark.installer
def test_a_home_that_cannot_be_written_is_a_warning(tmp_path):
    (tmp_path / 'file').touch()
    home = str(tmp_path / 'file' / 'home')
    done = doctor('--json', HOME=home, XDG_CACHE_HOME='', MPLCONFIGDIR=str(tmp_path))
    finding = next(f for f in json.loads(done.stdout)['findings'] if f['name'] == 'folders')
    assert (done.returncode, finding['status']) == (0, WARNING)
    assert home in finding['found']


OLD_PYTHONS = [
    python
    for minor in range(6, 10)
    if (python := shutil.which(f'python3.{minor}'))
    # pyenv has names without an interpreter
    and subprocess.run([python, '--version'], capture_output=True, check=False).returncode == 0
]


@pytest.mark.skipif(not OLD_PYTHONS, reason='there is no Python 3.6 to 3.9 to try')
@pytest.mark.parametrize('python', OLD_PYTHONS)
def test_an_old_python_gets_one_sentence(python):
    done = doctor(python=python)
    last = done.stderr.splitlines()[-1]
    assert re.search(r'mmps needs Python 3\.10 or newer, and this is 3\.\d+\.\d+: install', last)
    assert 'MMPS_PYTHON=/path/to/python bash tools/setup_env.sh' in last


FINDINGS = [
    Finding('numpy', OK, '2.4.6'),
    Finding('disk', WARNING, '2 GiB free', 'free some'),
    Finding('torch', FAILURE, 'torch is missing', 'pip install torch'),
]


def test_the_report_names_every_finding_and_its_fix(capsys):
    command.print_findings(FINDINGS)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['ok', 'warning', '->', 'FAILED', '->', '1']
    assert lines[-1] == '1 of 3 checks failed'


@pytest.mark.parametrize(('findings', 'code'), [(FINDINGS, 1), (FINDINGS[:2], 0)])
def test_the_exit_code_tells_whether_something_fails(monkeypatch, capsys, healthy, findings, code):
    monkeypatch.setattr(command, 'gather', lambda: healthy)
    monkeypatch.setattr(command, 'diagnose', lambda _: findings)
    assert command.main(['--json']) == code
    assert json.loads(capsys.readouterr().out)['ok'] is (code == 0)
