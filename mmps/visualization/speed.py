"""Speed of the variants: milliseconds per person over people per image, and against accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figures import INK, MUTED, SERIES, clean_axes, new_figure


def draw_speed(cells: Sequence[Mapping], accuracy: Mapping[str, float] | None = None) -> Figure:
    """Plot the benchmark's cells.

    Args:
        cells: Rows of the benchmark's JSON file.
        accuracy: Accuracy by variant, as mAP in 0..1; adds a panel of speed against accuracy.
    """
    batches = sorted({cell['batch'] for cell in cells})
    panels = len(batches) + bool(accuracy)
    figure = new_figure(3.6 * panels + 0.6, 3.4)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis, batch in zip(axes, batches, strict=False):
        _draw_batch(axis, [cell for cell in cells if cell['batch'] == batch], batch)
    axes[0].set_ylabel('ms per person', color=INK, fontsize=9)
    if accuracy:
        _draw_accuracy(axes[-1], cells, accuracy)
    return figure


def _draw_batch(axis: Axes, cells: Sequence[Mapping], batch: int) -> None:
    clean_axes(axis, 'y')
    for colour, variant in zip(SERIES, _variants(cells), strict=False):
        own = [cell for cell in cells if cell['variant'] == variant]
        times = [cell['ms_per_person'] for cell in own]
        people = [cell['people'] for cell in own]
        axis.plot(people, [t['median'] for t in times], 'o-', color=colour, label=variant, ms=4)
        low, high = ([t[end] for t in times] for end in ('low', 'high'))
        axis.fill_between(people, low, high, color=colour, alpha=0.15, linewidth=0)
    axis.set(xscale='log', yscale='log')
    ticks = sorted({cell['people'] for cell in cells})
    axis.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axis.minorticks_off()
    axis.set_xlabel('people per image', color=INK, fontsize=9)
    axis.set_title(f'batches of {batch}', color=INK, fontsize=10)
    axis.legend(frameon=False, fontsize=8, labelcolor=INK)


def _draw_accuracy(axis: Axes, cells: Sequence[Mapping], accuracy: Mapping[str, float]) -> None:
    clean_axes(axis, 'both')
    cell = max(((c['batch'], c['people']) for c in cells), key=lambda key: (-key[0], key[1]))
    for colour, variant in zip(SERIES, _variants(cells), strict=False):
        own = [c for c in cells if (c['variant'], c['batch'], c['people']) == (variant, *cell)]
        if variant in accuracy and own:
            x, y = own[0]['ms_per_person']['median'], 100 * accuracy[variant]
            axis.scatter([x], [y], color=colour)
            axis.annotate(variant, (x, y), (4, 4), textcoords='offset points', color=MUTED)
    axis.set_xlabel(f'ms per person, {cell[1]} per image', color=INK, fontsize=9)
    axis.set_ylabel('mAP (%)', color=INK, fontsize=9)


def _variants(cells: Sequence[Mapping]) -> list[str]:
    return list(dict.fromkeys(cell['variant'] for cell in cells))
