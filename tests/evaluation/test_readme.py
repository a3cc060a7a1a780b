from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import mmps.evaluation
from mmps.evaluation import GroundTruth, Predictions, evaluate_predictions
from mmps.evaluation.metrics import PersonSearchMetric
from mmps.registry import METRICS
from mmps.testing.search_data import random_search_data, write_galleries

README = Path(mmps.evaluation.__file__).with_name('README.md')
BLOCKS = re.findall(r'```python\n(.*?)```', README.read_text(), flags=re.DOTALL)


def test_recipe_for_other_code(tmp_path, monkeypatch):
    data = random_search_data(np.random.default_rng(4), num_images=6, num_queries=3)
    annotation, _ = data.write(tmp_path)
    p = data.predictions
    rows = {
        f'{image["id"]}.jpg': np.flatnonzero(p.image_ids == image['id'])
        for image in data.annotation['images']
    }
    boxes = {n: np.concatenate([p.bboxes[r], p.scores[r, None]], 1) for n, r in rows.items()}
    monkeypatch.chdir(tmp_path)
    recipe = next(block for block in BLOCKS if 'np.savez' in block)
    features = {name: p.embeddings[own] for name, own in rows.items()}
    exec(recipe, {'boxes': boxes, 'features': features, 'query_features': p.query_embeddings})
    ground_truth = GroundTruth.load(annotation)
    protocol = mmps.evaluation.CUHKSYSUProtocol()
    metrics = evaluate_predictions(ground_truth, Predictions.load('predictions.npz'), protocol)
    assert metrics.metrics == evaluate_predictions(ground_truth, p, protocol).metrics


def test_config_builds(tmp_path):
    config = next(block for block in BLOCKS if 'val_evaluator' in block)
    namespace = {}
    exec(config, namespace)
    evaluator = namespace['val_evaluator']
    data = random_search_data(np.random.default_rng(4), num_images=6, num_queries=3)
    annotation, _ = data.write(tmp_path)
    for size in evaluator['protocol']['gallery_sizes']:
        write_galleries(tmp_path / f'galleries_{size}.npz', next(iter(data.galleries.values())))
    metric = METRICS.build(evaluator)
    metric.dataset_meta = {'annotation_file': {'ann_file': annotation}}
    assert isinstance(metric, PersonSearchMetric)
    assert metric.ground_truth.num_queries == 3


@pytest.mark.parametrize('option', sorted(set(re.findall(r'`(--[a-z-]+)', README.read_text()))))
def test_options_exist(option, capsys):
    tool = README.parents[2] / 'tools' / 'analysis_tools' / 'eval_predictions.py'
    if not tool.is_file():
        pytest.skip('the tools are not beside the package')
    spec = importlib.util.spec_from_file_location('eval_predictions', tool)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit):
        module.main(['--help'])
    assert re.search(rf'^  {option}\b', capsys.readouterr().out, flags=re.MULTILINE)
