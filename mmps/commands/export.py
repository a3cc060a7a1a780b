"""Write the people of a gallery for other programs: JSON, CSV or COCO, without embeddings.

examples:
  mmps export people.mmps people.csv
  mmps export people.mmps annotations.json --format coco --camera north
"""

from __future__ import annotations

import argparse

from .galleries import add_gallery
from .search import add_conditions, conditions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)
    parser.add_argument('out', metavar='FILE', help='the file that is written')
    parser.add_argument(
        '--format',
        choices=('json', 'csv', 'coco'),
        help="form of the file (default: by its name's ending, json or csv)",
    )
    add_conditions(parser)


def run(options: argparse.Namespace) -> None:
    """Export."""
    from mmps.gallery import open_gallery
    from mmps.gallery.conditions import check_cameras
    from mmps.gallery.exporting import export

    with open_gallery(options.gallery) as gallery:
        check_cameras(gallery, options.camera)
        count = export(gallery, options.out, options.format, conditions(options))
    print(f'{count:,} people written to {options.out}')
