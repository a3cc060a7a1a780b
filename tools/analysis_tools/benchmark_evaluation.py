"""Time the evaluation at the size of the public test sets, beside plain loops.

The boxes are PRW's own (``test_pid.json`` as published with AlignPS) or as many as CUHK-SYSU has;
embeddings are made up, in whole numbers, so that both evaluators must agree to the last digit.

examples:
  python tools/analysis_tools/benchmark_evaluation.py
  python tools/analysis_tools/benchmark_evaluation.py --prw test_pid.json --reference-queries 0
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmps.benchmarks.full_size import cuhk_sysu_problem, noisy_predictions, prw_ground_truth
from mmps.command_line import teaching_parser
from mmps.evaluation import (
    CUHKSYSUProtocol,
    GroundTruth,
    Predictions,
    PRWOfficialProtocol,
    PRWProtocol,
    QueryResults,
    evaluate_predictions,
)
from mmps.evaluation.protocols.base import SearchProtocol
from mmps.testing import reference_evaluator, reference_prw_official

Reference = Callable[[int], float]
"""Computes the average precision of one query in plain loops."""


@dataclass(frozen=True)
class Problem:
    """What is timed.

    Args:
        name: for the table.
        ground_truth: people and queries.
        predictions: of no model.
        protocol: the rule.
        reference: the rule in plain loops.
    """

    name: str
    ground_truth: GroundTruth
    predictions: Predictions
    protocol: SearchProtocol
    reference: Reference


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = teaching_parser(__doc__)
    parser.add_argument(
        '--prw', metavar='test_pid.json', help="PRW's test boxes; default: PRW is left out"
    )
    parser.add_argument(
        '--boxes-per-image',
        type=float,
        default=5.0,
        metavar='K',
        help='found in PRW, on average',
    )
    parser.add_argument(
        '--gallery-size',
        type=int,
        default=4000,
        metavar='S',
        help='images in CUHK-SYSU galleries',
    )
    parser.add_argument(
        '--memory-mb',
        type=float,
        default=256.0,
        metavar='M',
        help='bound on similarities in memory',
    )
    parser.add_argument(
        '--reference-queries',
        type=int,
        default=40,
        metavar='N',
        help='queries that the plain loops evaluate, 0 for all',
    )
    return parser.parse_args(argv)


def problems(args: argparse.Namespace, directory: Path) -> Iterator[Problem]:
    """Make the problems one after the other."""
    searcher = {'memory_mb': args.memory_mb}
    if args.prw:
        ground_truth = prw_ground_truth(args.prw)
        predictions = noisy_predictions(ground_truth, args.boxes_per_image)
        protocol = PRWProtocol(searcher=searcher)
        reference = prw_reference(protocol.prepare(ground_truth), predictions)
        yield Problem('PRW', ground_truth, predictions, protocol, reference)
        reference = official_reference(ground_truth, predictions)
        protocol = PRWOfficialProtocol(searcher=searcher)
        yield Problem('PRW, official rule', ground_truth, predictions, protocol, reference)
    ground_truth, galleries = cuhk_sysu_problem(directory, args.gallery_size)
    predictions = noisy_predictions(ground_truth, 6.0)
    protocol = CUHKSYSUProtocol((args.gallery_size,), searcher=searcher)
    boxes = dict(zip(galleries.person_entries.tolist(), galleries.person_bboxes, strict=True))
    detections = plain_detections(ground_truth, predictions)

    def reference(query: int) -> float:
        own = range(galleries.offsets[query], galleries.offsets[query + 1])
        entries = [(int(galleries.image_ids[e]), boxes.get(e)) for e in own]
        embedding = predictions.query_embeddings[query]
        return reference_evaluator.search_one_query(embedding, entries, detections, True)[0]

    yield Problem(
        f'CUHK-SYSU size, {args.gallery_size}', ground_truth, predictions, protocol, reference
    )


def plain_detections(
    ground_truth: GroundTruth, predictions: Predictions
) -> reference_evaluator.DetectionsOfImages:
    """Group boxes by image as the plain loops take them."""
    detections = predictions.by_image(ground_truth)
    groups = {}
    for image in np.unique(detections.images).tolist():
        own = slice(detections.offsets[image], detections.offsets[image + 1])
        boxes, scores = detections.bboxes[own].tolist(), detections.scores[own].tolist()
        groups[image] = (boxes, scores, detections.embeddings[own])
    return groups


def plain_people(ground_truth: GroundTruth) -> list[reference_evaluator.Person]:
    """List annotated boxes as the plain loops take them."""
    rows = zip(ground_truth.images, ground_truth.bboxes, ground_truth.person_ids, strict=True)
    return [reference_evaluator.Person(int(i), b.tolist(), int(p)) for i, b, p in rows]


def plain_query(ground_truth: GroundTruth, query: int) -> reference_evaluator.Query:
    """Describe a query as the plain loops take it."""
    values = (
        ground_truth.query_images,
        ground_truth.query_person_ids,
        ground_truth.query_cameras,
    )
    return reference_evaluator.Query(*(int(value[query]) for value in values))


def prw_reference(ground_truth: GroundTruth, predictions: Predictions) -> Reference:
    """Prepare PRW's usual rule in plain loops."""
    detections = plain_detections(ground_truth, predictions)
    people = plain_people(ground_truth)
    cameras = dict(enumerate(ground_truth.image_cameras.tolist()))

    def reference(query: int) -> float:
        wanted = plain_query(ground_truth, query)
        own = [person for person in people if person.person_id == wanted.person_id]
        entries = reference_evaluator.other_image_entries(wanted, cameras, own, False, True)
        embedding = predictions.query_embeddings[query]
        return reference_evaluator.search_one_query(embedding, entries, detections, True)[0]

    return reference


def official_reference(ground_truth: GroundTruth, predictions: Predictions) -> Reference:
    """Prepare PRW's official rule in plain loops."""
    detections = plain_detections(ground_truth, predictions)
    cameras = dict(enumerate(ground_truth.image_cameras.tolist()))
    by_image: dict[int, list] = {}
    for person in plain_people(ground_truth):
        by_image.setdefault(person.image, []).append(person)
    names, missed = {}, []
    for image, group in detections.items():
        own_names, own_missed = reference_prw_official.assign(
            {image: group}, by_image.get(image, [])
        )
        names |= own_names
        missed += own_missed

    def reference(query: int) -> float:
        return reference_prw_official.search_one_query(
            plain_query(ground_truth, query),
            predictions.query_embeddings[query],
            cameras,
            detections,
            (names, missed),
            score_thr=0.0,
        )[0]

    return reference


def timed(problem: Problem) -> tuple[QueryResults, float]:
    """Evaluate a problem; the seconds include detection numbers and the galleries file."""
    start = time.perf_counter()
    report = evaluate_predictions(problem.ground_truth, problem.predictions, problem.protocol)
    seconds = time.perf_counter() - start
    return next(iter(report.queries.values())), seconds


def timed_reference(problem: Problem, count: int) -> tuple[np.ndarray, float]:
    """Evaluate some queries in plain loops; the seconds are for these queries."""
    start = time.perf_counter()
    description = f'plain loops, {problem.name}'
    aps = [problem.reference(q) for q in track(range(count), description, transient=True)]
    return np.array(aps), time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> int:
    """Time every problem and compare the numbers; 1 if they differ, 2 for wrong input."""
    args = parse_args(argv)
    if args.prw and not Path(args.prw).is_file():
        print(f'error: {args.prw} does not exist; give test_pid.json.', file=sys.stderr)
        return 2
    columns = ('problem', 'queries', 'boxes', 'seconds', 'plain loops', 'ratio', 'difference')
    table = Table(*columns, title=f'blocks of at most {args.memory_mb:g} MiB')
    worst = 0.0
    with tempfile.TemporaryDirectory() as directory:
        for problem in problems(args, Path(directory)):
            results, seconds = timed(problem)
            count = min(args.reference_queries or len(results), len(results))
            aps, reference_seconds = timed_reference(problem, count)
            whole = reference_seconds * len(results) / count
            difference = float(np.abs(results.average_precision[:count] - aps).max())
            worst = max(worst, difference)
            table.add_row(
                problem.name,
                str(len(results)),
                str(len(problem.predictions.scores)),
                f'{seconds:.2f}',
                f'{whole:.0f}' + ('' if count == len(results) else f' (from {count} queries)'),
                f'{whole / seconds:.0f}',
                f'{difference:.0e}',
            )
    Console().print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'peak memory of the whole process: {peak:.0f} MiB')
    return int(worst > 1e-9)


if __name__ == '__main__':
    sys.exit(main())
