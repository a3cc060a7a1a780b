"""Files that say more than the averages: every query, and the calibration of similarities."""

from __future__ import annotations

from pathlib import Path

from .calibration import calibrate
from .evaluator import Report, SearchProtocol
from .files import write_query_csv
from .ground_truth import GroundTruth

QUERY_CSV = 'queries.csv'
CALIBRATION_JSON = 'calibration.json'


def write_details(
    directory: str | Path,
    report: Report,
    ground_truth: GroundTruth,
    protocol: SearchProtocol,
) -> None:
    """Write how each query did and a calibration of the first setting's similarities.

    Put beside a checkpoint, ``calibration.json`` tells an application which similarity to trust.

    Args:
        directory: folder for ``queries.csv`` and ``calibration.json``.
        report: of ``evaluate_predictions``; without searches nothing is written.
        ground_truth: the annotation file's content.
        protocol: galleries and rules.
    """
    if not report.queries:
        return
    write_query_csv(report.queries, ground_truth, Path(directory) / QUERY_CSV)
    ground_truth = protocol.prepare(ground_truth)
    _, plan = next(iter(protocol.plans(ground_truth, report.searched)))
    queries = report.searched.query_embeddings[plan.task.query_index]
    calibration = calibrate(queries, protocol.searcher.weighted(plan), protocol.searcher.memory_mb)
    calibration.save(Path(directory) / CALIBRATION_JSON)
