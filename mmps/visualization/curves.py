"""Losses, learning rate and validation metrics of training runs, phase by phase."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figures import INK, MUTED, SERIES, clean_axes, new_figure
from .training_log import Curve, TrainingLog

FEW_POINTS = 30


def draw_training_curves(logs: Sequence[TrainingLog]) -> Figure:
    """Draw one column per run: losses, learning rate and, where there are any, metrics.

    Args:
        logs: At least one.

    Raises:
        ValueError: If there is none.
    """
    if not logs:
        raise ValueError('there is no training log to draw: give at least one work directory')
    rows = {
        'loss': [log.curves('loss') for log in logs],
        'share of active triplets': [log.curves('active') for log in logs],
        'learning rate': [log.curves('lr') for log in logs],
        'validation': [log.metrics() for log in logs],
    }
    rows = {title: columns for title, columns in rows.items() if any(columns)}
    figure = new_figure(1.0 + 5.5 * len(logs), 0.6 + 2.1 * len(rows))
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    grid = figure.subplots(len(rows), len(logs), sharex='col', squeeze=False)
    for axes_row, (title, columns) in zip(grid, rows.items(), strict=True):
        for axes, log, curves in zip(axes_row, logs, columns, strict=True):
            _draw_panel(axes, curves, title)
            _mark_phases(axes, log, named=axes in grid[0])
    for axes, log in zip(grid[0], logs, strict=True):
        axes.set_title(log.name, fontsize=11, color=INK, fontweight='bold', pad=20)
    for axes in grid[-1]:
        axes.set_xlabel('iteration', fontsize=9, color=MUTED)
    return figure


def _draw_panel(axes: Axes, curves: Sequence[Curve], title: str) -> None:
    clean_axes(axes, grid='y')
    axes.set_ylabel(title, fontsize=9, color=INK)
    for index, curve in enumerate(curves):
        axes.plot(
            curve.iterations,
            curve.values,
            color=SERIES[index % len(SERIES)],
            linestyle='-' if index < len(SERIES) else '--',
            linewidth=1.5,
            marker='o' if len(curve.values) < FEW_POINTS else '',
            markersize=3,
            label=curve.name,
        )
    highest = max((max(curve.values) for curve in curves), default=0)
    axes.set_ylim(0, 1.05 * highest or 1)
    axes.set_visible(bool(curves))
    if len(curves) > 1:
        axes.legend(
            fontsize=7.5, frameon=False, labelcolor=INK, loc='upper left', bbox_to_anchor=(1, 1.04)
        )


def _mark_phases(axes: Axes, log: TrainingLog, named: bool) -> None:
    phases = log.phases()
    for _, first, _ in phases[1:]:
        axes.axvline(first, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for name, first, last in phases if named else ():
        axes.annotate(
            name, ((first + last) / 2, 1.02), xycoords=('data', 'axes fraction'),
            ha='center', va='bottom', fontsize=8.5, color=MUTED,
        )  # fmt: skip
