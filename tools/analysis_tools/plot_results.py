"""Plot the quickstart's results.json: every variant beside chance and the baselines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmps.structures import UserError
from mmps.visualization import draw_result_bars, read_results, save_figure


def main(arguments: list[str] | None = None) -> int:
    """Read the table, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('results', metavar='RESULTS.json', help='written by tools/quickstart.sh')
    parser.add_argument('--out', type=Path, default='results.png', help='the PNG to write')
    options = parser.parse_args(arguments)
    try:
        save_figure(draw_result_bars(read_results(options.results)), options.out)
    except (UserError, OSError) as error:
        print(f'plot_results: {error}', file=sys.stderr)
        return 2
    print(options.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
