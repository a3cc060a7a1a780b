import importlib.util
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / 'tools' / 'misc' / 'kill_and_resume.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('kill_and_resume', SCRIPT)
    module = sys.modules['kill_and_resume'] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kill(out, *options):
    command = [sys.executable, str(SCRIPT), '--out', str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((out / 'report.json').read_text())


@pytest.mark.slow
def test_killed_runs_go_on_to_the_same_bits(tmp_path):
    records = kill(tmp_path, '--kills', '4')
    assert [record['differences'] for record in records] == [[]] * 4
    assert {'phase 1', 'phase 2'} & {record['killed in'] for record in records}


@pytest.mark.long
@pytest.mark.parametrize(
    'options',
    [
        ('--kills', '30'),
        ('--kills', '10', '--workers', '2', '--ema'),
        ('--kills', '10', '--workers', '2', '--persistent'),
        ('--kills', '10', '--processes', '2'),
    ],
    ids=' '.join,
)
def test_runs_killed_anywhere_go_on_to_the_same_bits(tmp_path, options):
    assert not [record for record in kill(tmp_path, *options) if record['differences']]


def test_moments_cover_all_events_and_what_is_special(tool):
    kinds = ['phase 1', 'writing checkpoint', 'boundary', 'cache', 'phase 2', 'validation'] * 4
    events = [tool.Event(f'e{i}', kind, 0.1 * i) for i, kind in enumerate(kinds)]
    moments = tool.choose(events, 30, random.Random(0))
    assert len(moments) == 30
    even = [int(moment.event.name[1:]) for moment in moments[:20]]
    assert even == sorted(even)
    assert max(b - a for a, b in itertools.pairwise(even)) <= 3
    assert {moment.kind for moment in moments[20:]} == set(tool.SPECIAL)
    assert all(0 <= moment.delay <= 0.1 + 1e-9 for moment in moments)


@pytest.mark.parametrize(
    ('changed', 'found'),
    [
        ({}, []),
        ({'w': torch.tensor([1.0, 2.0 + 3e-7])}, ['x.w']),
        ({'step': 4}, ['x.step']),
        ({'more': 1}, ['x (keys)']),
        ({'list': [1]}, ['x.list (length)']),
    ],
)
def test_any_difference_is_named(tool, changed, found):
    state = {'w': torch.tensor([1.0, 2.0]), 'step': 3, 'list': [1, torch.ones(1)]}
    assert tool.differences(state, {**state, **changed}, 'x') == found
