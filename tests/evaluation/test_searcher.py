from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from mmps.evaluation import CUHKSYSUProtocol, GroundTruth, Searcher, evaluate_predictions
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError
from mmps.testing.search_data import random_search_data

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'eval_predictions.py'


def test_builds_rerankers_from_configs():
    searcher = TASK_UTILS.build(
        {
            'type': 'mmps.Searcher',
            'rerankers': [{'type': 'mmps.ContextGraph', 'k1': 30}, {'type': 'mmps.KReciprocal'}],
        }
    )
    assert [type(r).__name__ for r in searcher.rerankers] == ['ContextGraph', 'KReciprocal']
    assert searcher.rerankers[0].k1 == 30


@pytest.mark.parametrize('bound', [0, -1, float('nan'), float('inf')])
def test_the_bound_on_memory_is_a_positive_number(bound):
    with pytest.raises(ConfigError, match=f'memory_mb must be a positive number, not {bound}'):
        Searcher(memory_mb=bound)


def torchrun(directory, script, *arguments):
    command = ['torch.distributed.run', '--nproc_per_node=2', '--master_port=0', '--standalone']
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    return subprocess.run(
        [sys.executable, '-m', *command, str(script), *map(str, arguments)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def files(tmp_path):
    data = random_search_data(np.random.default_rng(1), num_images=6, num_people=2, num_queries=5)
    return data.write(tmp_path)


@pytest.mark.slow
def test_ranks_share_the_queries_of_the_tool(files, tmp_path):
    arguments = [*map(str, files), '--protocol', 'cuhk_sysu', '--gt-boxes', '--out']
    finished = torchrun(tmp_path, TOOL, *arguments, tmp_path / 'two.json')
    assert finished.returncode == 0, finished.stderr
    subprocess.run(
        [sys.executable, str(TOOL), *arguments, str(tmp_path / 'one.json')],
        check=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
    )
    one, two = (json.loads((tmp_path / f'{n}.json').read_text()) for n in ('one', 'two'))
    assert one == two
    assert finished.stdout.count('g100') == 4  # both ranks print both rows


METRIC_SCRIPT = """
import json, sys
import torch.distributed
from mmengine.dist import get_rank
from mmps.evaluation import PersonSearchMetric, Predictions
import numpy as np

torch.distributed.init_process_group('gloo')
annotation, predictions, out = sys.argv[1:]
content, p = json.load(open(annotation)), Predictions.load(predictions)

def part(kind, image):
    items = content[kind]
    return [i for i, item in enumerate(items) if item['image_id'] == image['id']]

def sample(image):
    rows = np.flatnonzero(p.image_ids == image['id'])
    queries, annotations = part('queries', image), part('annotations', image)
    return dict(
        img_id=image['id'],
        pred_instances=dict(
            bboxes=p.bboxes[rows], scores=p.scores[rows], embeddings=p.embeddings[rows]
        ),
        query_instances=dict(query_indices=queries, embeddings=p.query_embeddings[queries]),
        gt_instances=dict(ann_indices=annotations, embeddings=p.gt_embeddings[annotations]),
    )

metric = PersonSearchMetric(annotation, out=out + '.npz')
images = content['images']
padded = images + images[: len(images) % 2]
for image in padded[get_rank()::2]:
    metric.process(None, [sample(image)])
metrics = metric.evaluate(len(images))
json.dump(metrics, open(f'{out}{get_rank()}.json', 'w'))
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_ranks_share_the_images_and_queries_of_the_metric(tmp_path):
    data = random_search_data(np.random.default_rng(2), num_images=5, num_people=2, num_queries=5)
    annotation, predictions = data.write(tmp_path)
    script = tmp_path / 'script.py'
    script.write_text(textwrap.dedent(METRIC_SCRIPT))
    finished = torchrun(tmp_path, script, annotation, predictions, tmp_path / 'rank')
    assert finished.returncode == 0, finished.stderr
    expected = evaluate_predictions(
        GroundTruth.load(annotation), data.predictions, CUHKSYSUProtocol(), gt_boxes=True
    ).metrics
    for rank in (0, 1):
        metrics = json.loads((tmp_path / f'rank{rank}.json').read_text())
        assert metrics == pytest.approx(expected, abs=1e-12)
