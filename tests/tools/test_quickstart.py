import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmps.apis.experiments import Experiment

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / 'tools' / 'quickstart'


@pytest.fixture
def modules(monkeypatch):
    """The quickstart's own modules, which are scripts beside each other."""
    monkeypatch.syspath_prepend(str(QUICKSTART))
    for name in ('pipeline', 'report'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import pipeline
    import report

    yield pipeline, report
    for name in ('pipeline', 'report'):
        sys.modules.pop(name, None)


def test_steps_come_in_order_and_share_one_detector(modules, tmp_path):
    pipeline, _ = modules
    start = pipeline.Quickstart(tmp_path, 0)
    experiment = Experiment(start.folder / 'steps', start.steps())
    assert ' '.join(experiment.steps) == (
        'draw convert phase1 phase2_j2 test_j2 test_untrained_j2 phase2_j3 test_j3 '
        'test_untrained_j3 phase2_j4 test_j4 test_untrained_j4 baselines'
    )
    assert start.detector.checkpoint == tmp_path / 'seed_0/detector/epoch_12.pth'
    for variant in pipeline.VARIANTS:
        run = start.reid(variant)
        assert run.checkpoint == tmp_path / f'seed_0/{variant}/epoch_52.pth'
        config = run.load()
        assert config.load_from == str(start.detector.checkpoint)
        assert config.default_hooks.two_phase.start == 'reid'
        assert config.cached_people.dataset.data_root == str(start.data)


def test_a_tool_that_fails_ends_the_quickstart_with_its_code(modules, tmp_path):
    pipeline, _ = modules
    with pytest.raises(SystemExit) as stop:
        pipeline.run_tool('tools/dataset_converters/cuhk_sysu.py', tmp_path / 'nothing')
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ('j4', 'sentence'), [(0.2, 'J4 is 10.0 points of mAP below'), (0.35, 'J4 is 5.0 points')]
)
def test_the_table_says_how_j4_stands_to_the_colours(modules, j4, sentence):
    _, report = modules
    results = {
        'variants': {'j4': {'gt': {'mAP': j4}}},
        'baselines': {'colour': {'gt': {'mAP': 0.3}}},
    }
    assert report.compare_j4(results).startswith(sentence)


def test_wrong_input_is_told(tmp_path):
    command = [sys.executable, str(QUICKSTART), '--seed', 'abc']
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "invalid int value: 'abc'" in done.stderr


@pytest.mark.slow
def test_the_quickstart_learns(tmp_path):
    """The acceptance run: about four minutes, with the numbers that it must reach."""
    command = [sys.executable, str(QUICKSTART), '--work-dir', str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads((tmp_path / 'results.json').read_text())
    variants, baselines = results['variants'], results['baselines']
    assert results['detector']['AP50'] > 0.85
    assert variants['j2']['gt']['mAP'] > 0.60
    assert variants['j2']['gt']['mAP'] > baselines['colour']['gt']['mAP'] + 0.15
    assert variants['j2']['detected']['mAP'] > 0.45
    assert variants['j3']['gt']['mAP'] > baselines['untrained_j3']['gt']['mAP'] + 0.25
    assert variants['j4']['gt']['mAP'] > baselines['untrained_j4']['gt']['mAP'] + 0.08
    assert set(baselines) == {
        'chance', 'colour', 'untrained_j2', 'untrained_j3', 'untrained_j4',
    }  # fmt: skip
    assert all(
        0 <= row[boxes][key] <= 1
        for row in [*variants.values(), *baselines.values()]
        for boxes in ('detected', 'gt')
        for key in ('mAP', 'top1')
    )
    for name in ('results.png', 'ranked_lists.png', 'curves.png'):
        assert (tmp_path / name).stat().st_size > 10_000
