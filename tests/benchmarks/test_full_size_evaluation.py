from __future__ import annotations

import numpy as np
import pytest

from mmps.benchmarks import full_size
from mmps.benchmarks.full_size import cuhk_sysu_problem, noisy_predictions
from mmps.benchmarks.full_size_evaluation import Problem, time_problem
from mmps.evaluation import CUHKSYSUProtocol, evaluate_predictions


def test_the_largest_difference_and_the_time_of_all_queries_are_found(tmp_path, monkeypatch):
    for name, value in (('CUHK_IMAGES', 60), ('CUHK_QUERIES', 8), ('CUHK_BOXES', 90)):
        monkeypatch.setattr(full_size, name, value)
    truth, _ = cuhk_sysu_problem(tmp_path, 20)
    found, protocol = noisy_predictions(truth, 2.0, size=8), CUHKSYSUProtocol((20,))
    (results,) = evaluate_predictions(truth, found, protocol).queries.values()
    wrong = results.average_precision + np.arange(8) / 100
    problem = Problem('small', truth, found, protocol, lambda query: wrong[query])
    timing = time_problem(problem, reference_queries=5)
    assert timing.difference == pytest.approx(0.04)
    assert (timing.queries, timing.reference_queries) == (8, 5)
    assert time_problem(problem, reference_queries=0).difference == pytest.approx(0.07)
