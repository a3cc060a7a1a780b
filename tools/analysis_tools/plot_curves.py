r"""Plot the training curves of runs, one row per phase and one colour per run.

examples:
  python tools/analysis_tools/plot_curves.py work_dirs/joint-j3_retinanet_r50_fpn_c
  # several runs in one figure
  python tools/analysis_tools/plot_curves.py work_dirs/quickstart/seed_0/j2 \
      work_dirs/quickstart/seed_0/j3 --out curves.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from mmps.command_line import teaching_parser
from mmps.structures import UserError
from mmps.visualization import draw_training_curves, read_training_log, save_figure


def main(arguments: list[str] | None = None) -> int:
    """Read the logs, draw, write."""
    parser = teaching_parser(__doc__)
    parser.add_argument(
        'work_dirs', nargs='+', metavar='WORK_DIR', help='work directory of a training'
    )
    parser.add_argument(
        '--out', type=Path, default='curves.png', metavar='PNG', help='image file to write'
    )
    options = parser.parse_args(arguments)
    try:
        logs = [read_training_log(work_dir) for work_dir in options.work_dirs]
        save_figure(draw_training_curves(logs), options.out)
    except (UserError, OSError) as error:
        print(f'plot_curves: {error}', file=sys.stderr)
        return 2
    print(options.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
