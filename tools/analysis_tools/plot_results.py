"""Plot the quickstart's results.json: its table as bars, row by row.

examples:
  python tools/analysis_tools/plot_results.py work_dirs/quickstart/results.json
  python tools/analysis_tools/plot_results.py work_dirs/quickstart/results.json --out bars.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from mmps.command_line import teaching_parser
from mmps.structures import UserError
from mmps.visualization import draw_result_bars, read_results, save_figure


def main(arguments: list[str] | None = None) -> int:
    """Read the table, draw, write."""
    parser = teaching_parser(__doc__)
    parser.add_argument(
        'results', metavar='RESULTS.json', help='file that tools/quickstart.sh wrote'
    )
    parser.add_argument(
        '--out', type=Path, default='results.png', metavar='PNG', help='image file to write'
    )
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
