"""Tables of results in READMEs, written from the files that hold the numbers.

A README marks a table by ``<!-- results: FILE.json -->`` before and ``<!-- end of results -->``
after it; the file is relative to the README.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmps.benchmarks.tables import table
from mmps.structures import DataError
from mmps.visualization import table_rows

from . import report, speed

BLOCK = re.compile(
    r'(?P<begin><!-- results: (?P<files>[^>]+?) -->\n).*?(?P<end><!-- end of results -->)', re.S
)
CONTEXT = ('command', 'commit', 'date', 'machine', 'versions')
"""What every file of results says about its numbers."""


def update(text: str, folder: Path) -> str:
    """Write the marked tables of a README again.

    Args:
        text: Of the README.
        folder: That holds it.

    Raises:
        DataError: A file of results is missing, broken, or of an unknown kind.
    """

    def write(found: re.Match) -> str:
        files = [folder / name for name in found['files'].split()]
        return f'{found["begin"]}\n{render([read(path) for path in files])}\n{found["end"]}'

    return BLOCK.sub(write, text)


def files_of(text: str) -> list[str]:
    """List the files of results that a README names."""
    return [name for found in BLOCK.finditer(text) for name in found['files'].split()]


def read(path: Path) -> dict[str, Any]:
    """Read a file of results.

    Raises:
        DataError: It does not exist, or is no such file.
    """
    try:
        results = json.loads(path.read_text(encoding='utf-8'))
        if results['table'] not in RENDERERS:
            raise KeyError(results['table'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f'{path} is no file of results ({type(error).__name__}: {error}): name a results.json '
            'of tools/quickstart.sh or tools/reproduce.py'
        ) from None
    return results


def render(results: Sequence[Mapping[str, Any]]) -> str:
    """Write the table of one file of results, or one table of several of the same kind."""
    return RENDERERS[results[0]['table']](results)


def _without_title(text: str) -> str:
    return text.partition('\n\n')[2]


def _paper_table(results: Sequence[Mapping[str, Any]]) -> str:
    return ''.join(_without_title(report.markdown(one)) for one in results)


def _speed_table(results: Sequence[Mapping[str, Any]]) -> str:
    return ''.join(_without_title(speed.markdown(one)) for one in results)


def _quickstart_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows of one or several seeds, seeds side by side."""
    columns = [
        (f'{metric}{title}', boxes, key)
        for boxes, title in (('detected', ''), ('gt', ', GT boxes'))
        for key, metric in (('mAP', 'mAP'), ('top1', 'top-1'))
    ]
    several = len(results) > 1
    head = ['', *(
        f'{name}, seed {one["seed"]}' if several else name for name, _, _ in columns
        for one in results
    )]  # fmt: skip
    rows = [
        [name, *(
            f'{100 * table_rows(one)[at][1][boxes][key]:.1f}'
            for _, boxes, key in columns for one in results
        )]
        for at, (name, _, _) in enumerate(table_rows(results[0]))
    ]  # fmt: skip
    detectors = [
        f'AP50 {100 * one["detector"]["AP50"]:.1f}, recall {100 * one["detector"]["recall"]:.1f}'
        for one in results
    ]
    sources = [
        f'`{one["command"]}`, commit {one["commit"]}, {one["date"]}, {one["machine"]}; '
        f'{one["versions"]}.'
        for one in results
    ]
    text = table(head, rows, numbers=True)
    return f'{text}\nDetector: {"; ".join(detectors)}.\n{" ".join(sources)}\n'


RENDERERS: dict[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {
    'quickstart': _quickstart_table,
    'table1a': _paper_table,
    'table1b': _speed_table,
    'table1c': _paper_table,
    'table1d': _paper_table,
}
"""By the kind of a file of results, its key ``table``."""
