r"""Plot box heights, people per image and appearances per identity of annotation files.

Counts and medians are printed too.

examples:
  python tools/analysis_tools/dataset_stats.py data/cuhk_sysu/mmps/train.json
  # two data sets in one figure
  python tools/analysis_tools/dataset_stats.py data/cuhk_sysu/mmps/train.json \
      data/prw/mmps/train.json --out sysu_and_prw.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mmps.command_line import teaching_parser
from mmps.datasets.statistics import Statistics, statistics
from mmps.formats.annotations import log_remarks, read_annotations
from mmps.formats.reading import Reading
from mmps.formats.reading_options import add_reading_options, reading_of
from mmps.structures import UserError
from mmps.visualization.figures import SERIES, clean_axes, new_figure, save_figure

PANELS = (
    ('heights', 'box height in pixels', 'boxes'),
    ('boxes_per_image', 'people per image', 'images'),
    ('appearances', 'images per identity', 'identities'),
)


def main(arguments: list[str] | None = None) -> int:
    """Read, count, draw, write."""
    parser = teaching_parser(__doc__)
    parser.add_argument(
        'annotations', nargs='+', type=Path, metavar='JSON', help='annotation files to compare'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('dataset_stats.png'),
        metavar='PNG',
        help='image file to write',
    )
    add_reading_options(parser)
    options = parser.parse_args(arguments)
    try:
        found = {str(path): read(path, reading_of(options)) for path in options.annotations}
        save_figure(draw(found), options.out)
    except (UserError, OSError) as error:
        print(f'dataset_stats: {error}', file=sys.stderr)
        return 2
    for name, numbers in found.items():
        print(f'{name}: {summary(numbers)}')
    print(options.out)
    return 0


def read(path: Path, reading: Reading) -> Statistics:
    """Read one annotation file.

    Args:
        path: The file.
        reading: Options of the reader, such as the key of identities.

    Returns:
        Its distributions.
    """
    said = read_annotations(path, reading)
    log_remarks(path, said.remarks)
    return statistics(said)


def summary(numbers: Statistics) -> str:
    """Summarise distributions in one line.

    Args:
        numbers: The distributions.

    Returns:
        Counts and medians.
    """
    images, boxes = len(numbers.boxes_per_image), len(numbers.heights)
    text = f'{images:,} images, {boxes:,} boxes, {len(numbers.appearances):,} identities'
    if boxes:
        text += f', median height {np.median(numbers.heights):.0f}'
    return text


def draw(found: dict[str, Statistics]) -> Figure:
    """Draw three histograms side by side, every file in its colour.

    Args:
        found: Name of each file and its distributions.

    Returns:
        The figure.
    """
    figure = new_figure(9, 3)
    for axes, (field, label, counted) in zip(figure.subplots(1, 3), PANELS, strict=True):
        values = [getattr(numbers, field) for numbers in found.values()]
        edges = _edges(np.concatenate(values))
        for k, (name, data) in enumerate(zip(found, values, strict=True)):
            axes.hist(data, edges, histtype='step', color=SERIES[k % len(SERIES)], label=name)
        clean_axes(axes, 'y')
        axes.set_xlabel(label, fontsize=9)
        axes.set_title(counted, fontsize=9, loc='left')
    figure.axes[0].legend(fontsize=7, frameon=False)
    return figure


def _edges(values: np.ndarray) -> np.ndarray:
    top = float(values.max(initial=1))
    if values.dtype.kind == 'i' and top <= 60:
        return np.arange(top + 2) - 0.5
    return np.linspace(0, top, 41)


if __name__ == '__main__':
    sys.exit(main())
