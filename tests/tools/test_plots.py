from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmps.testing.search_data import random_search_data

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'
BROKEN_INPUT = [
    ('plot_curves', ['nowhere'], 'nowhere holds no'),
    ('plot_results', ['nowhere.json'], 'nowhere.json does not exist'),
    ('plot_ranked_lists', ['no.json', 'no.npz', '--data-root', '.'], 'no.json does not exist'),
]


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_image(path):
    return min(cv2.imread(str(path)).shape[:2]) > 100


def test_plot_curves(tmp_path, capsys):
    folder = tmp_path / 'run' / '20260101_000000' / 'vis_data'
    folder.mkdir(parents=True)
    records = [{'lr': 0.1, 'loss': 1.0, 'loss_cls': 1.0, 'step': step} for step in (10, 20)]
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))
    out = tmp_path / 'new' / 'curves.png'
    assert load('plot_curves').main([str(tmp_path / 'run'), '--out', str(out)]) == 0
    assert is_image(out)
    assert capsys.readouterr().out.strip() == str(out)


def test_plot_results(tmp_path):
    row = {panel: {'mAP': 0.5, 'top1': 0.6} for panel in ('gt', 'detected')}
    results = {'variants': {'j2': row}, 'baselines': {'chance': row}}
    (tmp_path / 'results.json').write_text(json.dumps(results))
    out = tmp_path / 'results.png'
    assert load('plot_results').main([str(tmp_path / 'results.json'), '--out', str(out)]) == 0
    assert is_image(out)


@pytest.mark.parametrize('options', [[], ['--gt-boxes'], ['--queries', '1', '0', '--top-k', '3']])
def test_plot_ranked_lists(tmp_path, options):
    data = random_search_data(np.random.default_rng(3), num_images=6, num_people=2, num_queries=4)
    annotations, predictions = map(str, data.write(tmp_path))
    for image in json.loads(Path(annotations).read_text())['images']:
        path = tmp_path / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((120, 160, 3), np.uint8))
    arguments = [annotations, predictions, '--data-root', str(tmp_path)]
    out = tmp_path / 'lists.png'
    assert load('plot_ranked_lists').main([*arguments, '--out', str(out), *options]) == 0
    assert is_image(out)


@pytest.mark.parametrize('top_k', ['0', '-1'])
def test_ranked_lists_show_a_hit_or_more(tmp_path, capsys, top_k):
    data = random_search_data(np.random.default_rng(3), num_images=6, num_people=2, num_queries=4)
    arguments = [*map(str, data.write(tmp_path)), '--data-root', str(tmp_path), '--top-k', top_k]
    assert load('plot_ranked_lists').main(arguments) == 2
    expected = (
        f'plot_ranked_lists: top_k must be at least 1, not {top_k}: say how many hits to show'
    )
    assert capsys.readouterr().err.strip() == expected


@pytest.mark.parametrize(('name', 'arguments', 'message'), BROKEN_INPUT)
def test_wrong_input_ends_in_one_sentence(name, arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(name).main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'{name}: ')
    assert message in error
    assert error.count('\n') == 1


def test_as_a_command(run_tool, tmp_path):
    done = run_tool(TOOLS / 'plot_curves.py', tmp_path)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
