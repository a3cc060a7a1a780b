"""Plot the training curves of runs, both phases on one axis."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmps.structures import UserError
from mmps.visualization import draw_training_curves, read_training_log, save_figure


def main(arguments: list[str] | None = None) -> int:
    """Read the logs, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR', help='of tools/train.py')
    parser.add_argument('--out', type=Path, default='curves.png', help='the PNG to write')
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
