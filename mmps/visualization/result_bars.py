"""The quickstart's result table as bars, with the same rows, names and order."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mmps.structures import DataError

from .figures import INK, MUTED, clean_axes, new_figure
from .naming import colours, readable_name

PANELS = (('detected', 'detected boxes'), ('gt', 'GT boxes'))
METRICS = (('mAP', 'mAP', 1.0), ('top1', 'top-1', 0.5))
"""Key, name and depth of colour of the bars."""

UNTRAINED = '#6b7280'
BAR = 0.38
Row = tuple[str, dict, str]


def read_results(path: str | Path) -> dict:
    """Read a ``results.json`` of the quickstart.

    Args:
        path: The file.

    Raises:
        DataError: The file does not exist or is not such a file.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f'{path} does not exist: tools/quickstart.sh writes results.json')
    try:
        results = json.loads(path.read_text(encoding='utf-8'))
        for row in (*results['variants'].values(), *results['baselines'].values()):
            for panel, _ in PANELS:
                float(row[panel]['mAP']), float(row[panel]['top1'])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f'{path} is not a results.json of the quickstart ({type(error).__name__}: {error}): '
            'use the file that tools/quickstart.sh wrote'
        ) from None
    return results


def draw_result_bars(results: dict) -> Figure:
    """Draw the table that the quickstart prints, row by row, as bars.

    Args:
        results: Content of ``results.json``, fractions in 0..1.
    """
    rows = table_rows(results)
    figure = new_figure(9, 1.0 + 0.46 * len(rows))
    figure.get_layout_engine().set(w_pad=0.08, wspace=0.04)
    left, right = figure.subplots(1, 2, sharey=True, sharex=True)
    for axes, (panel, title) in zip((left, right), PANELS, strict=True):
        _draw_panel(axes, rows, panel)
        axes.set_title(title, fontsize=11, color=INK, fontweight='bold', loc='left')
    left.set_yticks(range(len(rows)), [name for name, _, _ in rows], color=INK, fontsize=9.5)
    left.invert_yaxis()
    left.set_xlim(0, 108)
    handles = [Patch(facecolor=_paler(UNTRAINED, depth)) for _, _, depth in METRICS]
    figure.legend(
        handles, [name for _, name, _ in METRICS], loc='outside lower center', ncols=2,
        frameon=False, fontsize=9, labelcolor=INK,
    )  # fmt: skip
    detector = results.get('detector', {})
    if detector:
        text = ', '.join(f'{name} {100 * value:.1f} %' for name, value in detector.items())
        figure.suptitle(f'detector: {text}', fontsize=9, color=MUTED, x=0.99, ha='right')
    return figure


def table_rows(results: dict) -> list[Row]:
    """List the rows of the table: trained variants, untrained ones, then baselines.

    Args:
        results: Content of ``results.json``.

    Returns:
        Name, scores and colour of each row.
    """
    variants = {readable_name(key): scores for key, scores in results['variants'].items()}
    baselines = {readable_name(key): scores for key, scores in results['baselines'].items()}
    rows = list(zip(variants, variants.values(), colours(list(variants)), strict=True))
    return rows + [(name, scores, UNTRAINED) for name, scores in baselines.items()]


def _draw_panel(axes: Axes, rows: list[Row], panel: str) -> None:
    clean_axes(axes, grid='x')
    axes.set_xlabel('%', fontsize=9, color=MUTED)
    for index, (_, scores, colour) in enumerate(rows):
        for offset, (metric, _, depth) in zip((-0.5, 0.5), METRICS, strict=True):
            value, place = 100 * scores[panel][metric], index + BAR * offset
            axes.barh(place, value, BAR, color=_paler(colour, depth))
            axes.text(value + 1, place, f'{value:.1f}', va='center', fontsize=8, color=INK)


def _paler(colour: str, depth: float) -> tuple[float, ...]:
    return tuple(1 - depth * (1 - part) for part in to_rgb(colour))
