"""A table as Markdown and CSV, from the content of its ``results.json``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from mmps.benchmarks.tables import table

NOTHING = '-'


def markdown(results: Mapping[str, Any]) -> str:
    """Write the table in the paper's form, the findings, and where the numbers come from.

    Args:
        results: Content of ``results.json``.
    """
    parts = [results_table(results), notes(results), *findings_list(results), source(results)]
    if results['missing']:
        parts.insert(2, f'Not complete: {len(results["missing"])} steps are not done yet.\n')
    return f'# {results["title"]}\n\n' + '\n'.join(parts)


def results_table(results: Mapping[str, Any]) -> str:
    """Write our numbers, with 95 % intervals, beside the paper's, in percent."""
    columns = results['columns']
    told = [any(k in row['paper'] for row in results['rows'] for k in c['keys']) for c in columns]
    head = ['']
    for column, paper in zip(columns, told, strict=True):
        head.append(f'{column["heading"]}, ours')
        if paper:
            head.append(f'{column["heading"]}, paper')
    rows = []
    for row in results['rows']:
        cells = [f'{row["name"]} (control)' if row['control'] else row['name']]
        for column, paper in zip(columns, told, strict=True):
            cells.append(_join(_ours(row['ours'].get(key)) for key in column['keys']))
            if paper:
                cells.append(_join(_paper(row['paper'].get(key)) for key in column['keys']))
        rows.append(cells)
    return table(head, rows, numbers=True)


def notes(results: Mapping[str, Any]) -> str:
    """Explain what the numbers are."""
    galleries = results['settings']['galleries']
    sizes = [name.removeprefix('g') for name in galleries.values()]
    small, large = (f'{s} images' if s.isdigit() else 'the whole test set' for s in sizes)
    seeds = ', '.join(map(str, results['seeds']))
    interval = (
        'mean ± half of the 95 % interval over seeds (Student)'
        if len(results['seeds']) > 1
        else 'one seed, so no interval'
    )
    return (
        f'Ours: **{results["data"]}**, percent, {interval}; seeds {seeds}. Two numbers: galleries '
        f'of {small} and of {large} (the paper: 100 and 4,000 images). "Paper" are the numbers of '
        'Loesch et al. on the real data sets.\n'
    )


def findings_list(results: Mapping[str, Any]) -> list[str]:
    """Write a line for each finding, and one for each control."""
    lines = [f'What the paper found, on {results["data"]}:\n']
    for finding in results['findings']:
        lines.append(f'- **{finding["verdict"].capitalize()}**: {finding["claim"]}')
        lines += [f'  - {_effect(effect)}' for effect in finding['effects']]
        lines += [f'  - control: {_effect(control)}' for control in finding['controls']]
    rule = (
        '\nPoints of mAP (or AP) with the 95 % interval, seed by seed. A finding shows if the '
        'intervals of all its effects are above zero, and does not show if one of them is below 1 '
        'point; otherwise, and with one seed, it is not decided.\n'
    )
    return [*lines, rule]


def source(results: Mapping[str, Any]) -> str:
    """State command, commit, date, machine, versions and time."""
    return (
        f'`{results["command"]}`; commit {", ".join(results["commits"]) or "unknown"}; '
        f'{", ".join(results["dates"])}; {"; ".join(results["machines"])}; '
        f'{"; ".join(results["versions"])}; {results["seconds"] / 3600:.2f} hours in all.\n'
    )


def csv_text(results: Mapping[str, Any]) -> str:
    """Write one line for each row, column and seed, fractions in 0..1."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    head = ('table', 'row', 'key', 'seed', 'value', 'mean', 'low', 'high', 'paper_percent')
    writer.writerow(head)
    for row in results['rows']:
        for key, ours in row['ours'].items():
            summary = (ours['mean'], ours['low'], ours['high'], row['paper'].get(key))
            for seed, value in ours['values'].items():
                writer.writerow((results['table'], row['name'], key, seed, value, *summary))
    return stream.getvalue()


def _effect(effect: Mapping[str, Any]) -> str:
    told = '' if effect['paper'] is None else f'; paper {effect["paper"]:+.1f}'
    if effect['low'] is None:
        return f'{effect["words"]}: {effect["mean"]:+.1f} (one seed{told})'
    interval = f'{effect["low"]:+.1f} to {effect["high"]:+.1f}'
    return (
        f'{effect["words"]}: {effect["mean"]:+.1f} ({interval}, {len(effect["seeds"])} seeds{told})'
    )


def _ours(number: Mapping[str, Any] | None) -> str:
    if number is None:
        return NOTHING
    mean = f'{100 * number["mean"]:.1f}'
    if number['high'] is None:
        return mean
    return f'{mean} ± {100 * (number["high"] - number["mean"]):.1f}'


def _paper(number: float | None) -> str:
    return NOTHING if number is None else f'{number:.1f}'


def _join(cells: Any) -> str:
    found = list(cells)
    return NOTHING if set(found) == {NOTHING} else ' / '.join(found)
