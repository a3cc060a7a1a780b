from __future__ import annotations

import importlib.util
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mmps.benchmarks.full_size import cuhk_sysu_problem, noisy_predictions, prw_ground_truth
from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    PRWOfficialProtocol,
    PRWProtocol,
    evaluate_predictions,
)
from mmps.evaluation.search import search

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
@pytest.mark.slow
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


@pytest.mark.slow
def test_benchmark_agrees_with_the_plain_loops(capsys):
    path = ROOT / 'tools' / 'analysis_tools' / 'benchmark_evaluation.py'
    spec = importlib.util.spec_from_file_location('benchmark_evaluation', path)
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark  # its dataclass looks itself up there
    spec.loader.exec_module(benchmark)
    arguments = ['--reference-queries', '3', '--gallery-size', '500']
    arguments += ['--prw', str(PRW)] if PRW.is_file() else []
    assert benchmark.main(arguments) == 0
    assert 'CUHK-SYSU' in capsys.readouterr().out
    assert benchmark.main(['--prw', 'nowhere.json']) == 2


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
