"""OpenMP's threads do not spin for long in anything that users start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mmps.threads import WAITS, bound_spinning

import pytest

ROOT = Path(__file__).parents[1]
WATCH = r"""
import json, os, runpy, sys

class TorchIsLoaded(BaseException):
    pass

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == 'torch':
            raise TorchIsLoaded

def bounds(command):
    for name in [n for n in sys.modules if n.partition('.')[0] in own]:
        del sys.modules[name]
    for name in waits:
        os.environ.pop(name, None)
    sys.argv, sys.path[0] = [command, '--help'], os.path.dirname(command)
    try:
        if command.startswith('mmps.'):
            runpy.run_module(command, run_name='__main__')
        else:
            runpy.run_path(command, run_name='__main__')
    except TorchIsLoaded:
        return {name: os.environ.get(name) for name in waits}
    except SystemExit:
        pass
    return 'no torch'

waits, commands = json.loads(sys.argv[1]), json.loads(sys.argv[2])
own = {'mmps', 'pipeline', 'report', 'steps', 'mmengine'}
sys.meta_path.insert(0, Watch())
sys.stdout, out = open(os.devnull, 'w'), sys.stdout
found = {command: bounds(command) for command in commands}
print(json.dumps(found), file=out)
"""


def entry_points():
    """All that is run as a program, but for the set-up, which uses no torch itself."""
    for path in sorted((ROOT / 'tools').rglob('*.py')):
        if 'environment' not in path.parts and "__name__ == '__main__'" in path.read_text('utf-8'):
            yield str(path)
    for path in sorted((ROOT / 'mmps').rglob('__main__.py')):
        yield '.'.join(path.relative_to(ROOT).with_suffix('').parts)


def test_every_entry_point_bounds_spinning_before_torch_is_loaded():
    environment = {k: v for k, v in os.environ.items() if not k.startswith(('GOMP', 'KMP', 'OMP'))}
    command = [sys.executable, '-c', WATCH, json.dumps(list(WAITS)), json.dumps([*entry_points()])]
    done = subprocess.run(
        command,
        env={**environment, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert len(found) > 25
    assert {path: bounds for path, bounds in found.items() if bounds != WAITS} == {}


@pytest.mark.parametrize(
    'own', [{'GOMP_SPINCOUNT': '7'}, {'OMP_WAIT_POLICY': 'active'}, {'KMP_BLOCKTIME': '0'}]
)
def test_what_users_chose_stays(own):
    environ = dict(own)
    bound_spinning(environ)
    assert environ == own


def test_bounds_of_every_runtime():
    environ = {'OMP_NUM_THREADS': '2'}
    bound_spinning(environ)
    assert environ == {'OMP_NUM_THREADS': '2', 'GOMP_SPINCOUNT': '20000', 'KMP_BLOCKTIME': '1'}


@pytest.mark.skipif(not Path('/proc/self/maps').exists(), reason='needs /proc')
def test_the_runtime_reads_what_was_set_inside_the_process():
    code = (
        'import mmps.threads, torch; torch.set_num_threads(2); '
        'torch.ones(512, 512) @ torch.ones(512, 512); '
        "print(any('gomp' in l for l in open('/proc/self/maps')))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(('GOMP', 'KMP'))}
    environment |= {'OMP_DISPLAY_ENV': 'verbose', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    if done.stdout.strip() == 'True':  # GNU's; others have their own ways to tell
        assert "GOMP_SPINCOUNT = '20000'" in done.stderr
