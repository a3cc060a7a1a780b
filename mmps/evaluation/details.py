"""Files that say more than the averages: every query, and the calibration of similarities."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from mmps.files import write_text
from mmps.formats.ground_truth import GroundTruth

from .evaluator import Report
from .results import QueryResults

QUERY_CSV = 'queries.csv'
CALIBRATION_JSON = 'calibration.json'
QUERY_COLUMNS = (
    'setting',
    'query',
    'image',
    'person_id',
    'average_precision',
    'first_hit',
    'targets',
    'undetected',
    'outranked',
)


def write_details(directory: str | Path, report: Report, ground_truth: GroundTruth) -> None:
    """Write how each query did and a calibration of the first setting's similarities.

    Put beside a checkpoint, ``calibration.json`` tells an application which similarity to trust.
    Queries that were left out, or have no embedding, do not count in it.

    Args:
        directory: Folder for ``queries.csv`` and ``calibration.json``.
        report: Of ``evaluate_predictions(..., calibrated=True)``; without searches nothing is
            written.
        ground_truth: The annotation file's content.
    """
    if not report.queries:
        return
    write_query_csv(report.queries, ground_truth, Path(directory) / QUERY_CSV)
    if report.calibration is not None:
        report.calibration.save(Path(directory) / CALIBRATION_JSON)


def write_query_csv(
    queries: Mapping[str, QueryResults], ground_truth: GroundTruth, path: Path
) -> None:
    """Write one line per setting and query: what was found where, and why not.

    ``undetected`` counts people that no box covers, ``outranked`` those with a wrong box before
    them; a query without targets has an empty average precision.

    Args:
        queries: Results by setting.
        ground_truth: The annotation file's content.
        path: The file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(QUERY_COLUMNS)
    for setting, results in queries.items():
        for row, query in enumerate(results.query_index.tolist()):
            counted = results.num_targets[row] > 0
            writer.writerow(
                (
                    setting.strip('/') or 'all',
                    query,
                    ground_truth.file_names[ground_truth.query_images[query]],
                    ground_truth.query_person_ids[query],
                    f'{results.average_precision[row]:.6f}' if counted else '',
                    results.first_rank[row],
                    results.num_targets[row],
                    results.num_undetected[row],
                    results.num_outranked[row],
                )
            )
    write_text(path, text.getvalue())
