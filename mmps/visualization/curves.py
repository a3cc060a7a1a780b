"""Losses, learning rate and validation metrics of training runs, phase by phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, StrMethodFormatter

from .figures import INK, MUTED, clean_axes, new_figure
from .naming import colours, readable_name
from .training_log import Curve, TrainingLog

COLUMNS = 3
FEW_POINTS = 30
DETECTION = ('det/', 'coco/')
STYLES = ('-', '--', ':', '-.')
PHASES = {
    'detection': 'phase 1: detector',
    're-ID': 'phase 2: re-ID',
    'joint': 'one phase: both',
}


@dataclass(frozen=True)
class Panel:
    """One quantity of one phase: a colour for each run, a line style for each kind of curve."""

    title: str
    curves: list[list[Curve]]
    label: Callable[[str], str]


def draw_training_curves(logs: Sequence[TrainingLog]) -> Figure:
    """Draw rows of panels for each phase, and in each panel all runs.

    Args:
        logs: Logs of at least one run.

    Raises:
        ValueError: There is no log.
    """
    if not logs:
        raise ValueError('there is no training log to draw: name at least one work directory')
    names = [readable_name(log.name) for log in logs]
    rows = [
        (phase, panels[start : start + COLUMNS])
        for phase in PHASES
        for panels in [list_panels([log.of_phase(phase) for log in logs], phase)]
        for start in range(0, len(panels), COLUMNS)
    ]
    figure = new_figure(9, 0.4 + 2.25 * len(rows))
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, wspace=0.03, hspace=0.03)
    grid = figure.add_gridspec(len(rows), COLUMNS)
    for row, (phase, panels) in enumerate(rows):
        for column, panel in enumerate(panels):
            axes = figure.add_subplot(grid[row, column])
            _draw_panel(axes, panel, colours(names), PHASES[phase])
    handles = [Line2D([], [], color=colour, linewidth=2) for colour in colours(names)]
    figure.legend(
        handles, names, loc='outside lower center', ncols=min(len(names), 5), frameon=False,
        fontsize=9, labelcolor=INK,
    )  # fmt: skip
    return figure


def list_panels(logs: Sequence[TrainingLog], phase: str) -> list[Panel]:
    """List the panels of one phase.

    Args:
        logs: Logs of only that phase, see :meth:`TrainingLog.of_phase`.
        phase: A key of ``PHASES``; phase 2 does not change the detector's numbers.
    """
    panels = [
        Panel('loss', [loss_terms(log) for log in logs], _loss_name),
        Panel('learning rate', [log.curves('lr') for log in logs], str),
        Panel('active triplets (%)', [_percent(log.curves('active')) for log in logs], str),
    ]
    metrics = [_percent(log.metrics()) for log in logs]
    if phase != 're-ID':
        found = [[c for c in curves if c.name.startswith(DETECTION)] for curves in metrics]
        panels.append(Panel('detection (%)', found, lambda name: name.rpartition('/')[2]))
    for title, end in (('mAP (%)', 'map'), ('top-1 (%)', 'top1')):
        found = [
            [c for c in curves if c.name.lower().endswith(end) and not c.name.startswith(DETECTION)]
            for curves in metrics
        ]
        panels.append(Panel(title, found, _boxes_name))
    return [panel for panel in panels if any(panel.curves)]


def loss_terms(log: TrainingLog) -> list[Curve]:
    """Select the loss and, if it is a sum of several, its terms.

    Args:
        log: Log of one phase.
    """
    total, *terms = [c for c in log.curves('loss') if c.values] or [None]
    return [total, *terms] if len(terms) > 1 else [total] if total else []


def _percent(curves: Sequence[Curve]) -> list[Curve]:
    return [Curve(c.name, c.iterations, [100 * value for value in c.values]) for c in curves]


def _loss_name(name: str) -> str:
    return 'sum' if name == 'loss' else name.removeprefix('loss_')


def _boxes_name(name: str) -> str:
    """Return the setting of a search metric: ``gt/g100/mAP`` is "GT boxes, gallery 100"."""
    settings = name.split('/')[:-1]
    boxes = 'GT boxes' if 'gt' in settings else 'detected boxes'
    rest = [part for part in settings if part != 'gt']
    rest = [f'gallery {part[1:]}' if part[1:].isdigit() else part for part in rest]
    return ', '.join([boxes, *rest])


def _highest(panel: Panel) -> float:
    """Return the greatest finite value, 0 if there is none: a diverged loss is not finite."""
    values = [value for curves in panel.curves for curve in curves for value in curve.values]
    return max(filter(math.isfinite, values), default=0)


def _draw_panel(axes: Axes, panel: Panel, run_colours: Sequence[str], phase: str) -> None:
    clean_axes(axes, grid='y')
    axes.set_title(panel.title, fontsize=10, color=INK, fontweight='bold', loc='left', pad=6)
    axes.set_title(phase, fontsize=8, color=MUTED, loc='right', pad=6)
    axes.set_xlabel('iteration', fontsize=8, color=MUTED)
    kinds = list(dict.fromkeys(curve.name for curves in panel.curves for curve in curves))
    styles = {kind: STYLES[index % len(STYLES)] for index, kind in enumerate(kinds)}
    for curves, colour in zip(panel.curves, run_colours, strict=True):
        for curve in curves:
            axes.plot(
                curve.iterations,
                curve.values,
                color=colour,
                linestyle=styles[curve.name],
                linewidth=1.4,
                marker='o' if len(curve.values) < FEW_POINTS else '',
                markersize=2.5,
                label=curve.name,
            )
    # Leave room for a legend above the curves, but not above 100 %.
    top = (1.4 if len(kinds) > 1 else 1.05) * _highest(panel) or 1
    axes.set_ylim(0, min(top, 105) if panel.title.endswith('(%)') else top)
    axes.set_xlim(left=0)
    axes.yaxis.set_major_formatter(StrMethodFormatter('{x:g}'))
    axes.xaxis.set_major_formatter(EngFormatter(sep=''))
    if len(kinds) > 1:
        handles = [Line2D([], [], color=MUTED, linestyle=styles[kind]) for kind in kinds]
        labels = [panel.label(kind) for kind in kinds]
        axes.legend(handles, labels, fontsize=7.5, frameon=False, labelcolor=INK, handlelength=2.2)
