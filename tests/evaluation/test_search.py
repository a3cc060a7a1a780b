from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    GroundTruth,
    PRWOfficialProtocol,
    PRWProtocol,
    Searcher,
    evaluate_predictions,
)
from mmps.evaluation.results import QueryResults
from mmps.evaluation.search import search, similarity_blocks_of
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError
from mmps.testing.search_data import random_search_data

PROTOCOLS = [CUHKSYSUProtocol, GenericProtocol, PRWProtocol, PRWOfficialProtocol]


@pytest.fixture
def data(tmp_path):
    drawn = random_search_data(np.random.default_rng(5), num_images=8, num_people=3, num_queries=7)
    annotation, _ = drawn.write(tmp_path)
    return drawn, GroundTruth.load(annotation)


def assert_equal(results, expected):
    for field in fields(QueryResults):
        np.testing.assert_array_equal(getattr(results, field.name), getattr(expected, field.name))


def plan_of(data, protocol):
    drawn, ground_truth = data
    (_, plan), *_ = protocol.plans(ground_truth, drawn.predictions)
    return drawn.predictions.query_embeddings[plan.task.query_index], plan


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_any_block_size_and_any_shares_give_the_same(data, protocol):
    queries, plan = plan_of(data, protocol())
    whole = search(queries, plan)
    assert_equal(search(queries, plan, memory_mb=1e-6), whole)
    for cuts in ([0, 7], [0, 2, 7], [0, 0, 3, 3, 7, 7]):
        shares = [slice(*ends) for ends in pairwise(cuts)]
        parts = [search(queries, plan, memory_mb=2e-3, share=share) for share in shares]
        assert_equal(QueryResults.concatenate(parts), whole)


def test_blocks_keep_to_the_bound(data):
    queries, plan = plan_of(data, GenericProtocol())
    count = len(plan.boxes)
    sizes = [len(similarities) for _, similarities in similarity_blocks_of(queries, plan, 2e-4)]
    assert sum(sizes) == 7
    assert max(sizes) * count * 8 <= 2e-4 * 2**20 < 7 * count * 8
    assert [len(block) for _, block in similarity_blocks_of(queries, plan, 1e-9)] == [1] * 7


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_order_of_images_in_the_file_does_not_matter(data, protocol):
    drawn, ground_truth = data
    expected = evaluate_predictions(ground_truth, drawn.predictions, protocol()).metrics
    p = drawn.predictions
    order = np.argsort(p.image_ids, kind='stable')
    by_image = type(p)(
        p.image_ids[order],
        p.bboxes[order],
        p.scores[order],
        p.embeddings[order],
        p.query_embeddings,
    )
    assert evaluate_predictions(ground_truth, by_image, protocol()).metrics == expected


@pytest.mark.parametrize('dtype', [np.float16, np.float64, np.int8])
def test_small_integers_are_exact_in_any_type(data, dtype):
    drawn, ground_truth = data
    expected = evaluate_predictions(ground_truth, drawn.predictions, GenericProtocol()).metrics
    p = drawn.predictions
    converted = type(p)(
        p.image_ids,
        p.bboxes,
        p.scores,
        p.embeddings.astype(dtype),
        p.query_embeddings.astype(dtype),
    )
    assert evaluate_predictions(ground_truth, converted, GenericProtocol()).metrics == expected


def test_score_weighting_multiplies_similarities(data):
    drawn, ground_truth = data
    p = drawn.predictions
    weighted = type(p)(
        p.image_ids,
        p.bboxes,
        p.scores,
        p.embeddings * p.scores[:, None],
        p.query_embeddings,
    )
    protocol = GenericProtocol(searcher={'score_weighted': True})
    metrics = evaluate_predictions(ground_truth, p, protocol).metrics
    assert metrics == evaluate_predictions(ground_truth, weighted, GenericProtocol()).metrics
    assert metrics != evaluate_predictions(ground_truth, p, GenericProtocol()).metrics


@pytest.mark.parametrize('convention', ['legacy', 'strict'])
@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_perfect_predictions_get_1(scene, protocol, convention):
    for image in range(1, 6):
        scene.image(image, [0, 1, 2], camera=image)
    scene.query(1, 0, 0, camera=1).query(2, 1, 1, camera=2).query(3, 2, 2, camera=3)
    galleries = [[(i, scene.box(slot)) for i in range(1, 6) if i != slot + 1] for slot in range(3)]
    scene.galleries(100, galleries)
    for image in range(1, 6):
        for slot in range(3):
            scene.detect(image, slot, 0.0, score=0.5 + image / 20)
    predictions = scene.predictions(
        embeddings=np.tile(np.eye(3, dtype=np.float32), (5, 1)),
        query_embeddings=np.eye(3, dtype=np.float32),
        gt_embeddings=np.tile(np.eye(3, dtype=np.float32), (5, 1)),
    )
    ground_truth = GroundTruth.load(scene.annotation_file())
    report = evaluate_predictions(
        ground_truth, predictions, protocol(convention=convention), gt_boxes=True
    )
    assert set(report.metrics.values()) == {1.0}


def test_random_embeddings_get_chance(scene):
    """One right box among 20: the mean of 1 / place over all places."""
    generator = np.random.default_rng(0)
    for image in range(21):
        scene.image(image, [0 if image < 2 else image]).detect(image, 0, 0.0)
    for _ in range(800):
        scene.query(0)
    predictions = scene.predictions(
        embeddings=generator.normal(size=(21, 64)),
        query_embeddings=generator.normal(size=(800, 64)),
    )
    ground_truth = GroundTruth.load(scene.annotation_file())
    metrics = evaluate_predictions(ground_truth, predictions, GenericProtocol()).metrics
    assert metrics['mAP'] == pytest.approx(np.mean(1 / np.arange(1, 21)), abs=0.03)
    assert metrics['top10'] == pytest.approx(0.5, abs=0.06)


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
