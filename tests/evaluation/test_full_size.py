from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mmps.benchmarks.full_size import cuhk_sysu_problem, noisy_predictions, prw_ground_truth
from mmps.benchmarks.full_size_evaluation import Problem, time_problem
from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    PRWOfficialProtocol,
    PRWProtocol,
    evaluate_predictions,
)
from mmps.evaluation.search import search
from mmps.testing.plain_loops import cuhk_sysu_reference, official_reference, prw_reference

ROOT = Path(__file__).parents[2]
PRW = ROOT.parent / 'shared' / 'data' / 'prw-annotations' / 'test_pid.json'
needs_prw = pytest.mark.skipif(not PRW.is_file(), reason=f'{PRW} is not there')


@pytest.fixture(scope='module')
def prw():
    return prw_ground_truth(PRW)


@needs_prw
def test_prw_has_its_published_counts(prw):
    assert (prw.num_images, prw.num_annotations, prw.num_queries) == (6112, 25062, 2057)
    (_, plan), *_ = PRWProtocol().plans(prw, noisy_predictions(prw, 1, size=1))
    targets = plan.task.num_targets
    assert (targets.min(), targets.max(), round(targets.mean(), 1)) == (3, 198, 37.5)
    (_, plan), *_ = PRWProtocol(cross_camera=True).plans(prw, noisy_predictions(prw, 1, size=1))
    targets = plan.task.num_targets
    assert (targets.min(), targets.max(), round(targets.mean(), 1)) == (1, 186, 30.5)
    sizes = plan.task.gallery(slice(0, 2057)).sum(axis=1)
    published = {1: 5221, 2: 5519, 3: 4843, 4: 5472, 5: 5045, 6: 4460}
    assert dict(zip(prw.query_cameras.tolist(), sizes.tolist(), strict=True)) == published


@needs_prw
@pytest.mark.long
@pytest.mark.parametrize('convention', ['legacy', 'strict'])
@pytest.mark.parametrize('protocol', [PRWProtocol, PRWOfficialProtocol])
def test_perfect_search_of_prw(prw, protocol, convention):
    """One axis per identity, boxes as annotated; unlabelled people have an axis of their own."""
    predictions = noisy_predictions(prw, 1, size=1)
    axes = np.unique(prw.person_ids, return_inverse=True)[1]
    embeddings = np.eye(axes.max() + 1, dtype=np.float32)
    own = np.searchsorted(np.unique(prw.person_ids), prw.query_person_ids)
    arrays = {'query_embeddings': embeddings[own], 'gt_embeddings': embeddings[axes]}
    perfect = type(predictions)(
        predictions.image_ids,
        predictions.bboxes,
        predictions.scores,
        np.zeros((len(predictions.scores), len(embeddings)), dtype=np.float32),
        **arrays,
    ).at_ground_truth(prw)
    metrics = evaluate_predictions(prw, perfect, protocol(convention=convention)).metrics
    assert metrics['top1'] == 1.0
    assert metrics['mAP'] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.long
def test_plain_loops_agree(tmp_path):
    truth, galleries = cuhk_sysu_problem(tmp_path, 500)
    problems = [(truth, 6.0, CUHKSYSUProtocol((500,)), cuhk_sysu_reference, [galleries])]
    if PRW.is_file():
        truth = prw_ground_truth(PRW)
        problems += [
            (truth, 5.0, PRWProtocol(), prw_reference, []),
            (truth, 5.0, PRWOfficialProtocol(), official_reference, []),
        ]
    for truth, boxes, protocol, reference, more in problems:
        found = noisy_predictions(truth, boxes)
        loops = reference(truth, found, *more)
        timing = time_problem(Problem('', truth, found, protocol, loops), reference_queries=3)
        assert timing.difference < 1e-9
        assert timing.reference_queries == 3


@pytest.mark.parametrize('protocol', [GenericProtocol, PRWOfficialProtocol, CUHKSYSUProtocol])
def test_memory_keeps_to_the_bound(tmp_path, protocol):
    """Similarities of 300 queries alone would take 48 MiB."""
    ground_truth, _ = cuhk_sysu_problem(tmp_path, 100)
    ground_truth.image_cameras[:] = np.arange(ground_truth.num_images) % 5
    ground_truth.query_cameras[:] = 7
    predictions = noisy_predictions(ground_truth, 6, size=2)
    (_, plan), *_ = protocol().plans(ground_truth, predictions)
    tracemalloc.start()
    search(predictions.query_embeddings, plan, memory_mb=16, share=slice(0, 300))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 18 * 2**20
