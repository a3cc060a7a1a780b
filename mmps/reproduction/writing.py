"""The files of a table's report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmps.files import write_json, write_text
from mmps.visualization import save_figure
from mmps.visualization.paper_table import draw_findings, draw_paper_table

from .report import csv_text, markdown


def write_report(results: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Write a table as JSON, Markdown, CSV and figures.

    Args:
        results: From :func:`mmps.reproduction.results.gather`.
        folder: For the files.

    Returns:
        The files by name.
    """
    names = ('table.md', 'table.csv', 'results.json', 'table.png', 'findings.png')
    files = {name: folder / name for name in names}
    write_json(files['results.json'], dict(results))
    write_text(files['table.csv'], csv_text(results))
    write_text(files['table.md'], markdown(results))
    save_figure(draw_paper_table(results), files['table.png'])
    save_figure(draw_findings(results), files['findings.png'])
    return files
