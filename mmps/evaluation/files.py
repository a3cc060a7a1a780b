"""Result files of an evaluation, written so that no half file is ever there."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .ground_truth import GroundTruth
from .results import QueryResults

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


def write_text(text: str, path: Path) -> None:
    """Write a text file under its name only when it is complete.

    Args:
        text: content.
        path: the file; its folder is made when absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    temporary.write_text(text, encoding='utf-8')
    os.replace(temporary, path)


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file.

    Args:
        content: what JSON can say.
        path: the file.
    """
    write_text(json.dumps(content, indent=2) + '\n', path)


def write_query_csv(
    queries: Mapping[str, QueryResults], ground_truth: GroundTruth, path: Path
) -> None:
    """Write one line per setting and query: what was found where, and why not.

    ``undetected`` counts people that no box covers, ``outranked`` those with a wrong box before
    them; a query without targets has an empty average precision.

    Args:
        queries: results by setting.
        ground_truth: the annotation file's content.
        path: the file.
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
    write_text(text.getvalue(), path)
