"""What all figures share: colours, and a figure that touches no global state of matplotlib."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmps.files import atomic_file

INK = '#222222'
MUTED = '#6b7280'
GRID = '#e5e7eb'
SERIES = ('#2563eb', '#d97706', '#059669', '#9333ea', '#dc2626', '#0891b2', '#4b5563', '#be185d')
DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Figure:
    """Create an empty white figure with automatic layout.

    Args:
        width: Width in inches.
        height: Height in inches.
    """
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor='white')
    FigureCanvasAgg(figure)
    figure.set_layout_engine('constrained')
    return figure


def clean_axes(axes: Axes, grid: str) -> None:
    """Draw only a thin left and bottom line, small grey ticks and a faint grid.

    Args:
        axes: Axes, changed in place.
        grid: Axis whose values the grid marks, ``x`` or ``y``.
    """
    axes.spines[['top', 'right']].set_visible(False)
    axes.spines[['left', 'bottom']].set_color(GRID)
    axes.tick_params(colors=MUTED, labelsize=8, length=0)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG; an interrupted write leaves no half file under this name.

    Args:
        figure: The figure.
        path: The file; its folder is created if it is missing.
    """
    with atomic_file(Path(path)) as file:
        figure.savefig(file, format='png')
