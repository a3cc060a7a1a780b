"""The comparison of systems: its rows, its steps, its table; training is replaced."""

import json
from pathlib import Path

import pytest

from mmps.apis.experiments import Run

SCRIPT = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'compare_systems.py'
METRICS = {'g100/mAP': 0.4, 'g100/top1': 0.5, 'gt/g100/mAP': 0.6, 'gt/g100/top1': 0.7}


@pytest.fixture
def compare(run_tool, monkeypatch, tmp_path):
    """Run it with numbers that depend on config and seed instead of trainings."""
    trained = []

    def train(run):
        trained.append((run.config.stem, run.seed))
        return {key: value + (run.seed or 0) / 100 for key, value in METRICS.items()}

    monkeypatch.setattr(Run, 'train', train)
    monkeypatch.setattr(Run, 'evaluate', lambda run, *_, **__: {'gt/g100/mAP': 0.1})
    (tmp_path / 'data').mkdir()

    def call(*options):
        folders = ('--data', tmp_path / 'data', '--work-dir', tmp_path / 'runs', '--rounds', '1')
        return run_tool(SCRIPT, *folders, *options), trained

    return call


def test_each_run_is_done_once_and_has_its_row(compare, tmp_path):
    options = ('--systems', 'J3', 'jdi-oim', '--seeds', '1', '3')
    done, trained = compare(*options, '--out', tmp_path / 'table.md')
    assert done.returncode == 0, done.stderr
    assert trained == [
        ('retinanet_r18_fpn_synthetic', 0),
        ('faster-rcnn_r18_fpn_synthetic', 0),
        ('joint-j3_retinanet_r18_fpn_synthetic', 1),
        ('jdi-oim_faster-rcnn_r18_fpn_synthetic', 1),
        ('joint-j3_retinanet_r18_fpn_synthetic', 3),
        ('jdi-oim_faster-rcnn_r18_fpn_synthetic', 3),
    ]
    rows = (tmp_path / 'table.md').read_text('utf-8').splitlines()
    assert done.stdout.splitlines() == rows
    cells = [cell.strip() for cell in rows[-1].split('|')[1:-1]]
    assert cells[:6] == ['jdi-oim', '42.0 ± 1.4', '52.0 ± 1.4', '62.0 ± 1.4', '72.0 ± 1.4', '10.0']
    assert cells[-1] == '75.5 / 78.7'
    again, trained = compare(*options)
    assert len(trained) == 6
    assert again.stdout.startswith('| system')


def test_two_machines_do_a_half_each(compare, tmp_path):
    options = ('--systems', 'J2', 'J4', '--seeds', '0', '1')
    _, trained = compare(*options, '--shard', '1/2')
    half = len(trained)
    done, trained = compare(*options, '--shard', '2/2')
    assert half == 3
    assert len(trained) == 5
    assert done.stdout.startswith('| system')
    steps = tmp_path / 'runs' / 'steps'
    assert json.loads((steps / 'J4_1.json').read_text())['about']['seed'] == 1


def test_wrong_options_are_told(compare, tmp_path):
    for options, message in (
        (['--systems', 'J5'], "unknown system 'J5'"),
        (['--seeds', '1'], 'needs at least two seeds'),
    ):
        done, _ = compare(*options)
        assert done.returncode == 2
        assert message in done.stderr
