import importlib.util
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mmps.structures import UserError

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
    records = json.loads((out / 'report.json').read_text())
    assert sum(record['killed in'] is not None for record in records) >= 0.75 * len(records)
    assert not [record for record in records if record['differences']]
    return records


@pytest.mark.slow
def test_killed_runs_go_on_to_the_same_bits(tmp_path):
    assert len(kill(tmp_path, '--kills', '2')) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    'options',
    [
        ('--kills', '30'),
        ('--kills', '10', '--workers', '2', '--ema'),
        ('--kills', '10', '--workers', '2'),
        ('--kills', '10', '--processes', '2'),
    ],
    ids=' '.join,
)
def test_runs_killed_anywhere_go_on_to_the_same_bits(tmp_path, options):
    assert len(kill(tmp_path, *options)) == int(options[1])


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


def record(killed, *differences):
    return {'killed in': killed, 'differences': list(differences)}


@pytest.mark.parametrize(
    ('records', 'objection'),
    [
        ([record('cache')] * 4, None),
        ([record('cache')] * 3 + [record(None)], None),
        ([record('cache')] * 2 + [record(None)] * 2, 'only 2 of 4 runs were killed'),
        ([record(None)] * 4, 'only 0 of 4 runs were killed'),
        ([record('cache')] * 3 + [record('cache', 'state_dict.w')], '1 of 4 runs did not end like'),
        ([record('cache')] * 3 + [record(None, 'state_dict.w')], '1 of 4 runs did not end like'),
    ],
)
def test_only_killed_runs_prove_anything(tool, records, objection):
    found = tool.verdict(records)
    assert found is None if objection is None else found.startswith(objection)


@pytest.mark.parametrize(('killed', 'code'), [('cache', None), (None, 'only 0 of 2 runs were kil')])
def test_runs_faster_than_their_moments_end_in_an_error(
    tool, tmp_path, monkeypatch, capsys, killed, code
):
    monkeypatch.setattr(tool, 'write_config', lambda out, args: out / 'config.py')
    monkeypatch.setattr(tool, 'watch', lambda *_: [tool.Event('a', 'cache', 0.0)] * 2)
    monkeypatch.setattr(tool, 'kill_at', lambda *_: killed)
    monkeypatch.setattr(tool, 'resume', lambda *_: True)
    monkeypatch.setattr(tool, 'compare', lambda *_: [])
    arguments = ['--kills', '2', '--out', str(tmp_path)]
    if code is None:
        tool.main(arguments)
        assert '2/2 killed runs bit-identical' in capsys.readouterr().out
    else:
        with pytest.raises(SystemExit, match=code):
            tool.main(arguments)
        assert '0/0 killed runs' in capsys.readouterr().out
    assert len(json.loads((tmp_path / 'report.json').read_text())) == 2


def test_a_folder_that_holds_something_is_refused(tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = tmp_path / 'given'
    assert tool.new_folder(given) == tool.new_folder(given) == given
    (given / 'notes.log').write_text('mine')
    with pytest.raises(UserError, match=r'given is not empty: give a new folder'):
        tool.main(['--out', str(given)])
    assert [path.name for path in given.iterdir()] == ['notes.log']
    assert tool.new_folder(None).parent == tmp_path / 'work_dirs/kill_and_resume'
