"""The quickstart's result table as bars: every variant beside chance and the baselines."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmps.structures import DataError

from .figures import INK, MUTED, clean_axes, new_figure

PANELS = (('gt', 'annotated boxes'), ('detected', 'detected boxes'))
TRAINED = ('#2563eb', '#93c5fd')
BASELINE = ('#6b7280', '#d1d5db')
BAR = 0.38
Row = tuple[str, dict, tuple[str, str]]


def read_results(path: str | Path) -> dict:
    """Read a ``results.json`` of the quickstart.

    Args:
        path: The file.

    Raises:
        DataError: If it is not there or not such a file.
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
            'give the file that tools/quickstart.sh wrote'
        ) from None
    return results


def draw_result_bars(results: dict) -> Figure:
    """Draw mAP and top-1 with annotated and with detected boxes.

    Args:
        results: Content of ``results.json``, fractions in 0..1.
    """
    rows = table_rows(results)
    figure = new_figure(9.5, 1.3 + 0.5 * len(rows))
    figure.get_layout_engine().set(w_pad=0.08, wspace=0.04)
    left, right = figure.subplots(1, 2, sharey=True, sharex=True)
    for axes, (panel, title) in zip((left, right), PANELS, strict=True):
        _draw_panel(axes, rows, panel)
        axes.set_title(title, fontsize=11, color=INK, fontweight='bold', loc='left')
    left.set_yticks(range(len(rows)), [name for name, _, _ in rows], color=INK, fontsize=9.5)
    left.invert_yaxis()
    left.set_xlim(0, 108)
    figure.legend(
        *left.get_legend_handles_labels(), loc='outside lower center', ncols=4, frameon=False,
        fontsize=9, labelcolor=INK,
    )  # fmt: skip
    detector = results.get('detector', {})
    if detector:
        text = ', '.join(f'{name} {100 * value:.1f} %' for name, value in detector.items())
        figure.suptitle(f'detector: {text}', fontsize=9, color=MUTED, x=0.99, ha='right')
    return figure


def table_rows(results: dict) -> list[Row]:
    """Bring the table into the order of the picture: baselines, then each variant pair.

    Args:
        results: Content of ``results.json``.

    Returns:
        Name, scores and the two colours of each row.
    """
    baselines = dict(results['baselines'])
    untrained = {n: baselines.pop(n) for n in list(baselines) if n.startswith('untrained_')}
    rows = [(readable_name(name), scores, BASELINE) for name, scores in baselines.items()]
    for name, scores in results['variants'].items():
        before = untrained.pop(f'untrained_{name}', None)
        if before:
            rows.append((readable_name(f'untrained_{name}'), before, BASELINE))
        rows.append((readable_name(name), scores, TRAINED))
    rows += [(readable_name(name), scores, BASELINE) for name, scores in untrained.items()]
    return rows


def readable_name(key: str) -> str:
    """Write a key of ``results.json`` for people.

    Args:
        key: Such as ``untrained_j2``.
    """
    variant = key.removeprefix('untrained_')
    known = {'chance': 'chance', 'colour': 'colour stripes'}
    name = known.get(variant, variant.upper() if len(variant) <= 2 else variant)
    return f'{name}, untrained' if key != variant else name


def _draw_panel(axes: Axes, rows: list[Row], panel: str) -> None:
    clean_axes(axes, grid='x')
    axes.set_xlabel('%', fontsize=9, color=MUTED)
    seen = set()
    for index, (_, scores, colours) in enumerate(rows):
        for offset, metric, colour in zip((-0.5, 0.5), ('mAP', 'top1'), colours, strict=True):
            kind = 'trained' if colours is TRAINED else 'baseline'
            label = f'{metric.replace("top1", "top-1")}, {kind}'
            value = 100 * scores[panel][metric]
            place = index + BAR * offset
            axes.barh(place, value, BAR, color=colour, label=None if label in seen else label)
            axes.text(value + 1, place, f'{value:.1f}', va='center', fontsize=7.5, color=MUTED)
            seen.add(label)
