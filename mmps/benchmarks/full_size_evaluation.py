"""Evaluations as large as the public test sets, beside a reference that each must agree with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from mmps.evaluation import evaluate_predictions
from mmps.evaluation.protocols.base import SearchProtocol
from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions


@dataclass(frozen=True)
class Problem:
    """What is timed.

    Attributes:
        name: Name in the table.
        ground_truth: People and queries.
        predictions: Synthetic predictions.
        protocol: The rule.
        reference: The same rule in plain loops: returns the average precision of one query.
    """

    name: str
    ground_truth: GroundTruth
    predictions: Predictions
    protocol: SearchProtocol
    reference: Callable[[int], float]


@dataclass(frozen=True)
class Timing:
    """What a problem took.

    Attributes:
        problem: Name of the problem.
        queries: Number of all queries.
        boxes: That were searched.
        seconds: Of the evaluation, detection numbers and the galleries file included.
        reference_queries: Queries that the reference evaluated.
        reference_seconds: It would take for all queries.
        difference: Largest one between the average precisions of both.
    """

    problem: str
    queries: int
    boxes: int
    seconds: float
    reference_queries: int
    reference_seconds: float
    difference: float


def time_problem(
    problem: Problem, reference_queries: int, track: Callable[[range], Iterable[int]] = iter
) -> Timing:
    """Evaluate a problem, and some of its queries by the reference.

    Args:
        problem: Problem to time.
        reference_queries: Queries for the reference; all if 0.
        track: Shows progress over the reference's queries.
    """
    start = time.perf_counter()
    report = evaluate_predictions(problem.ground_truth, problem.predictions, problem.protocol)
    seconds = time.perf_counter() - start
    precisions = next(iter(report.queries.values())).average_precision
    total = len(precisions)
    count = min(reference_queries or total, total)
    start = time.perf_counter()
    expected = np.array([problem.reference(query) for query in track(range(count))])
    whole = (time.perf_counter() - start) * total / count
    difference = float(np.abs(precisions[:count] - expected).max())
    boxes = len(problem.predictions.scores)
    return Timing(problem.name, total, boxes, seconds, count, whole, difference)
