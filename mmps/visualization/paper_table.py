"""A re-run table of the paper: our means with intervals, the paper's numbers, and the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figures import GRID, INK, MUTED, clean_axes, new_figure
from .naming import KNOWN

PANELS = 3
"""Columns that are drawn: the first of their kind, with one number each."""


def draw_paper_table(results: Mapping[str, Any]) -> Figure:
    """Draw the rows of a table as points with intervals, one panel per column.

    Args:
        results: Content of a ``results.json`` of ``tools/reproduce.py``.
    """
    rows = [row for row in results['rows'] if row['ours']]
    keys = _drawn_keys(results)
    figure = new_figure(2.0 + 2.6 * len(keys), 1.5 + 0.34 * len(rows))
    panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
    for axes, (heading, key) in zip(panels, keys, strict=True):
        _draw_rows(axes, rows, key)
        axes.set_title(heading, fontsize=9.5, color=INK, loc='left')
    names = [f'{row["name"]} (control)' if row['control'] else row['name'] for row in rows]
    panels[0].set_yticks(range(len(rows)), names, color=INK, fontsize=9)
    panels[0].invert_yaxis()
    seeds = len(results['seeds'])
    bars = '95 % interval' if seeds > 1 else 'no interval'
    figure.suptitle(
        f'{results["title"]}\nfilled: ours, {results["data"]}, {seeds} seeds, {bars}; '
        'hollow: the paper, real data',
        fontsize=9, color=MUTED, x=0.01, ha='left',
    )  # fmt: skip
    return figure


def draw_findings(results: Mapping[str, Any]) -> Figure:
    """Draw the effects of all findings and their controls, in points, beside the paper's.

    Args:
        results: Content of a ``results.json`` of ``tools/reproduce.py``.
    """
    lines: list[tuple[str, Mapping[str, Any] | None, bool]] = []
    for finding in results['findings']:
        lines.append((f'{finding["claim"]}  [{finding["verdict"]}]', None, False))
        lines += [(effect['words'], effect, False) for effect in finding['effects']]
        lines += [(f'control: {c["words"]}', c, True) for c in finding['controls']]
    figure = new_figure(9, 0.9 + 0.3 * len(lines))
    axes = figure.subplots()
    clean_axes(axes, 'x')
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for place, (words, effect, control) in enumerate(lines):
        if effect is None:
            axes.axhline(place, color=GRID, linewidth=0.8)
            axes.text(
                0.0, place - 0.1, words, transform=axes.get_yaxis_transform(), fontsize=8.5,
                fontweight='bold', color=INK, va='center', backgroundcolor='white',
            )  # fmt: skip
            continue
        colour = MUTED if control else '#2563eb'
        _draw_point(axes, place, effect, colour, 1.0)
        if effect['paper'] is not None:
            axes.plot(effect['paper'], place, 'o', mfc='white', mec=INK, ms=5, zorder=2)
    axes.set_yticks(
        range(len(lines)), ['' if effect is None else words for words, effect, _ in lines],
        fontsize=8.5, color=INK,
    )  # fmt: skip
    axes.invert_yaxis()
    axes.set_xlabel(
        f'points; filled: ours, {results["data"]}, with 95 % intervals; hollow: the paper',
        fontsize=9, color=MUTED,
    )  # fmt: skip
    return figure


def _drawn_keys(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (column['heading'], column['keys'][0])
        for column in results['columns']
        if 'top-1' not in column['heading']
        and any(column['keys'][0] in row['ours'] for row in results['rows'])
    ]
    return found[: PANELS + 1]


def _draw_rows(axes: Axes, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    clean_axes(axes, 'x')
    for place, row in enumerate(rows):
        colour = KNOWN.get(row['name'].partition('_')[0], INK)
        if key in row['ours']:
            _draw_point(axes, place, row['ours'][key], colour, 100.0)
        if key in row['paper']:
            axes.plot(row['paper'][key], place, 'o', mfc='white', mec=colour, ms=5, zorder=2)
    axes.set_xlabel('%', fontsize=9, color=MUTED)


def _draw_point(
    axes: Axes, place: int, found: Mapping[str, Any], colour: str, factor: float
) -> None:
    mean, low, high = (found[name] for name in ('mean', 'low', 'high'))
    if low is not None:
        axes.plot(
            [factor * low, factor * high], [place, place], '-', color=colour, linewidth=2, alpha=0.5
        )
    axes.plot(factor * mean, place, 'o', color=colour, ms=5.5, zorder=3)
