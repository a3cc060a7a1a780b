import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmps.apis.experiments import Experiment
from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / 'tools' / 'quickstart'


@pytest.fixture
def modules(monkeypatch):
    """The quickstart's own modules, which are scripts beside each other."""
    monkeypatch.syspath_prepend(str(QUICKSTART))
    for name in ('pipeline', 'report', 'footage'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import pipeline
    import report

    yield pipeline, report
    for name in ('pipeline', 'report', 'footage'):
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


def test_wrong_input_is_told(run_tool):
    done = run_tool(QUICKSTART, '--seed', 'abc')
    assert done.returncode == 2
    assert "invalid int value: 'abc'" in done.stderr


def check_results(folder, **least):
    """Check what must be true of any run, and the numbers that this one must reach."""
    results = json.loads((folder / 'results.json').read_text())
    variants, baselines = results['variants'], results['baselines']
    assert set(baselines) == {
        'chance', 'colour', 'untrained_j2', 'untrained_j3', 'untrained_j4',
    }  # fmt: skip
    assert all(
        0 <= row[boxes][key] <= 1
        for row in [*variants.values(), *baselines.values()]
        for boxes in ('detected', 'gt')
        for key in ('mAP', 'top1')
    )
    for name in ('results.png', 'ranked_lists.png', 'curves.png', 'search.png'):
        assert (folder / name).stat().st_size > 10_000
    found = {
        'AP50': results['detector']['AP50'],
        'j2': variants['j2']['gt']['mAP'],
        'j2_detected': variants['j2']['detected']['mAP'],
        'j2_over_colours': variants['j2']['gt']['mAP'] - baselines['colour']['gt']['mAP'],
        'j3_learnt': variants['j3']['gt']['mAP'] - baselines['untrained_j3']['gt']['mAP'],
        'j4_learnt': variants['j4']['gt']['mAP'] - baselines['untrained_j4']['gt']['mAP'],
    }
    assert {name: found[name] for name in least if found[name] <= least[name]} == {}, found
    check_search(folder)


def check_search(folder):
    """Hits of `mmps search` among still images are those of the predictions that were tested."""
    start = folder / 'seed_0'
    truth = GroundTruth.load(start / 'data' / 'mmps' / 'test.json')
    predictions = Predictions.load(start / 'j2.npz').above(0.3)
    stills = {path.name for path in (start / 'footage' / 'images').iterdir()}
    names = dict(
        zip(truth.image_ids.tolist(), map(os.path.basename, truth.file_names), strict=True)
    )
    among = [i for i, image in enumerate(predictions.image_ids.tolist()) if names[image] in stills]
    similarities = predictions.embeddings[among] @ predictions.query_embeddings[0]
    hits = json.loads((folder / 'search.json').read_text())['hits']
    found = [(os.path.basename(h['source']), h['similarity']) for h in hits if h['frame'] is None]
    assert len(found) >= 3
    for (name, similarity), best in zip(found, np.argsort(-similarities), strict=False):
        assert name == names[int(predictions.image_ids[among[best]])]
        assert abs(similarity - similarities[best]) < 5e-3


@pytest.mark.slow
def test_a_short_quickstart_learns(modules, run_tool, monkeypatch, tmp_path):
    """The same steps behind a detector of a third of the epochs: half the time."""
    pipeline, _ = modules
    run = pipeline.Quickstart._run

    def with_fewer_epochs(start, config, folder, options=None):
        fewer = {'train_cfg.max_epochs': 4} if folder == 'detector' else {}
        return run(start, config, folder, {**(options or {}), **fewer})

    monkeypatch.setattr(pipeline.Quickstart, '_run', with_fewer_epochs)
    done = run_tool(QUICKSTART, '--work-dir', tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    check_results(
        tmp_path, AP50=0.75, j2=0.60, j2_detected=0.38, j2_over_colours=0.15, j3_learnt=0.25,
        j4_learnt=0.05,
    )  # fmt: skip


@pytest.mark.long
def test_the_quickstart_learns(tmp_path):
    """The acceptance run, with the numbers that it must reach."""
    command = [sys.executable, str(QUICKSTART), '--work-dir', str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    check_results(
        tmp_path, AP50=0.85, j2=0.60, j2_detected=0.45, j2_over_colours=0.15, j3_learnt=0.25,
        j4_learnt=0.08,
    )  # fmt: skip
