r"""Plot queries of a test set and the people that the search ranked first.

Green frames show the same person, red ones another person, grey ones a person without identity or
no annotated person. Every query is searched in all images except its own.

examples:
  python tools/analysis_tools/plot_ranked_lists.py data/prw/mmps/test.json predictions.npz \
      --data-root data/prw
  python tools/analysis_tools/plot_ranked_lists.py data/prw/mmps/test.json predictions.npz \
      --data-root data/prw --queries 0 17 230 --top-k 5 --gt-boxes
"""

from __future__ import annotations

import sys
from pathlib import Path

from mmps.command_line import teaching_parser
from mmps.evaluation import GroundTruth, Predictions
from mmps.formats.reading_options import add_reading_options
from mmps.visualization import draw_ranked_lists, ranked_lists, save_figure, spread_queries


def main(arguments: list[str] | None = None) -> int:
    """Read annotations and predictions, search, draw, write."""
    parser = teaching_parser(__doc__)
    parser.add_argument('test_json', metavar='TEST_JSON', help='annotation file with queries')
    parser.add_argument(
        'predictions', metavar='PREDICTIONS.npz', help='file of tools/test.py --out'
    )
    parser.add_argument(
        '--data-root', required=True, metavar='DIR', help='folder that file names are relative to'
    )
    parser.add_argument(
        '--out', type=Path, default='ranked_lists.png', metavar='PNG', help='image file to write'
    )
    parser.add_argument(
        '--queries',
        type=int,
        nargs='+',
        metavar='N',
        help='queries to show, counted from 0 (default: --count of them, spread over the file)',
    )
    parser.add_argument(
        '--count', type=int, default=4, metavar='N', help='how many queries to choose'
    )
    parser.add_argument('--top-k', type=int, default=8, metavar='K', help='hits per query')
    parser.add_argument(
        '--gt-boxes', action='store_true', help='search the annotated boxes instead of the detected'
    )
    add_reading_options(parser)
    options = parser.parse_args(arguments)
    try:
        ground_truth = GroundTruth.load(
            options.test_json, options.unlabelled, options.identity_key, options.classes
        )
        predictions = Predictions.load(options.predictions)
        predictions.check_against(ground_truth)
        if options.gt_boxes:
            predictions = predictions.at_ground_truth(ground_truth)
        queries = options.queries or spread_queries(ground_truth, options.count)
        lists = ranked_lists(ground_truth, predictions, options.data_root, queries, options.top_k)
        save_figure(draw_ranked_lists(lists), options.out)
    except (ValueError, OSError) as error:
        print(f'plot_ranked_lists: {error}', file=sys.stderr)
        return 2
    print(options.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
