from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from mmps.apis.experiments import Run
from mmps.engine.hooks.progress_bar import ProgressBarHook
from mmps.reproduction import findings, real, speed, tables
from mmps.reproduction.data import FOLDERS
from mmps.reproduction.drawn import DrawnData

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'reproduce.py'


@pytest.fixture(scope='session')
def drawn_sets(made_once):
    """The data of a rehearsal."""

    def draw(folder):
        data = DrawnData(folder, ROOT / 'configs', rehearsal=True)
        for step in [*data.prepare('mwcp', 0), *data.prepare('c+', 0)[-1:]]:
            step.work()

    return made_once('paper_sets', draw)


@pytest.fixture
def one_variant(monkeypatch):
    """J3 alone: a third of the time."""
    for module in (tables, findings):
        monkeypatch.setattr(module, 'VARIANTS', ('J3',))


def results_of(folder):
    return json.loads((folder / 'table1d' / 'results.json').read_text())


def numbers_of(folder):
    return {row['name']: row['ours'] for row in results_of(folder)['rows']}


@pytest.fixture
def kill_at(monkeypatch):
    """Ends the tool, as Ctrl-C does, at a call of a method."""

    def kill(owner, method, call):
        calls, original = [], getattr(owner, method)

        def stop(*arguments, **others):
            calls.append(method)
            if len(calls) == call:
                raise KeyboardInterrupt
            return original(*arguments, **others)

        monkeypatch.setattr(owner, method, stop)

    return kill


@pytest.mark.slow
def test_killed_and_sharded_runs_give_the_table_of_an_uninterrupted_one(
    run_tool, drawn_sets, one_variant, kill_at, tmp_path
):
    command = ('table1d', '--rehearse', '--seeds', 1, '--work-dir')
    folders = [tmp_path / name / 'synthetic-rehearsal' for name in ('whole', 'one', 'two', 'all')]
    whole, one, two, joined = folders
    for folder in folders[:3]:
        shutil.copytree(drawn_sets, folder)
    done = run_tool(TOOL, *command, whole.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r'^1/\d+ Draw 135 images', done.stderr)
    assert '| J3_c |' in done.stdout
    found = results_of(whole)
    assert not found['missing']
    assert all(row['ours'] for row in found['rows'])
    for name in ('table.md', 'table.csv', 'table.png', 'findings.png'):
        assert (whole / 'table1d' / name).stat().st_size > 300

    for moment in ((ProgressBarHook, 'after_train_iter', 15), (Run, 'evaluate', 1)):
        kill_at(*moment)
        assert run_tool(TOOL, *command, one.parent, '--shard', '1/2').returncode == 130
    for index, part in ((1, one), (2, two)):
        assert run_tool(TOOL, *command, part.parent, '--shard', f'{index}/2').returncode == 0
    done = run_tool(TOOL, *command, joined.parent, '--collect', one.parent, two.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not results_of(joined)['missing']
    assert numbers_of(joined) == numbers_of(whole)
    assert run_tool(TOOL, *command, whole.parent).stderr.count('/14') == 0  # nothing is left


@pytest.mark.slow
def test_the_real_layouts_run_through(run_tool, drawn_sets, one_variant, monkeypatch, tmp_path):
    """Drawn sets lie where the real ones would lie; ResNet-18 for the time of a test."""
    monkeypatch.chdir(tmp_path)
    Path('data').mkdir()
    for letter, name in FOLDERS.items():
        shutil.copytree(drawn_sets / 'seed_0' / 'data' / letter, Path('data') / name)
    short = real.rehearse

    def smaller(config):
        at = 'model' if config.stem.startswith('retinanet') else 'model.detector'
        channels = [64, 128, 256, 512]
        return {**short(config), f'{at}.backbone.depth': 18, f'{at}.neck.in_channels': channels}

    monkeypatch.setattr(real, 'rehearse', smaller)
    command = ('table1d', '--data', 'real', '--rehearse', '--work-dir', tmp_path / 'work')
    shutil.move('data/prw', 'elsewhere')
    refused = run_tool(TOOL, *command)
    assert refused.returncode == 2
    assert 'PRW is missing' in refused.stderr
    assert not list((tmp_path / 'work' / 'real-rehearsal').glob('steps/*'))
    shutil.move('elsewhere', 'data/prw')
    done = run_tool(TOOL, *command)
    assert done.returncode == 0, done.stderr[-2000:]
    found = results_of(tmp_path / 'work' / 'real-rehearsal')
    assert found['data'].startswith('drawn data')
    assert found['settings']['galleries'] == {'small': 'g50', 'large': 'full'}
    trained = [row['name'] for row in found['rows'] if row['ours'] and row['paper']]
    assert trained == ['J3_c', 'J3']


@pytest.mark.slow
def test_the_plan_for_real_data_is_printed_without_them(
    run_tool, one_variant, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    times = {
        'machine': {}, 'image': 0.1, 'forward': 0.05, 'reid': {'J3': 1.0}, 'person': {'J3': 0.01},
    }  # fmt: skip
    folder = tmp_path / 'work_dirs' / 'reproduce' / 'real'
    folder.mkdir(parents=True)
    monkeypatch.setattr('mmps.reproduction.costs.describe_machine', lambda: {
        'machine': 'm', 'versions': 'v'})  # fmt: skip
    times['machine'] = {'machine': 'm', 'versions': 'v'}
    (folder / 'step_times.json').write_text(json.dumps(times))
    done = run_tool(TOOL, 'table1d', '--data', 'real', '--dry-run')
    assert done.returncode == 0, done.stderr
    text = ' '.join(done.stdout.split())
    assert '33,726' in text
    assert f'{(90 * 33726 * 0.1 + 4) / 3600:.1f} h' in text
    assert 'estimate' in text
    assert not (folder / 'steps').exists()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--budget', '0'], 'more than 0'),
        (['--shard', '3'], 'I/N'),
        (['--seeds', '0'], 'at least 1'),
        (['--collect', 'nowhere'], 'holds no results'),
    ],
)
def test_wrong_input_ends_with_a_sentence(run_tool, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    done = run_tool(TOOL, 'table1d', *arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.slow
def test_a_rehearsal_of_the_speed_is_measured_and_kept(run_tool, tmp_path):
    done = run_tool(TOOL, 'table1b', '--rehearse', '--work-dir', tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((tmp_path / 'table1b-rehearsal' / 'results.json').read_text())
    assert {cell['variant'] for cell in found['cells']} == {'Disj.', *speed.VARIANTS}
    assert [cell['paper_ms'] for cell in found['cells'] if cell['variant'] == 'J3'] == [12.2, 3.4]
    assert '| Disj. | 1 |' in done.stdout
    assert len(found['findings']) == 2
