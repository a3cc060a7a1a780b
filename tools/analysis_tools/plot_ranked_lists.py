"""Plot queries of a test set beside the people that the search ranked first."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmps.evaluation import GroundTruth, Predictions
from mmps.visualization import draw_ranked_lists, ranked_lists, save_figure, spread_queries


def main(arguments: list[str] | None = None) -> int:
    """Read annotations and predictions, search, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('test_json', metavar='TEST_JSON', help='annotations with queries')
    parser.add_argument('predictions', metavar='PREDICTIONS.npz', help='of tools/test.py --out')
    parser.add_argument('--data-root', required=True, help='folder that file_name is relative to')
    parser.add_argument('--out', type=Path, default='ranked_lists.png', help='the PNG to write')
    parser.add_argument(
        '--queries', type=int, nargs='+', help='positions in `queries`; spread evenly if not given'
    )
    parser.add_argument('--count', type=int, default=4, help='how many to spread')
    parser.add_argument('--top-k', type=int, default=8, help='hits per query')
    parser.add_argument('--gt-boxes', action='store_true', help='search annotated boxes instead')
    options = parser.parse_args(arguments)
    try:
        ground_truth = GroundTruth.load(options.test_json)
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
