"""Free the space of removed people; the file is written again, without their data.

examples:
  mmps compact people.mmps
"""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('gallery', metavar='GALLERY', help='the file; its name ends in .mmps')


def run(options: argparse.Namespace) -> None:
    """Compact."""
    from pathlib import Path

    from mmps.gallery import open_gallery

    before = Path(options.gallery).stat().st_size if Path(options.gallery).is_file() else 0
    with open_gallery(options.gallery, mode='w') as gallery:
        gallery.compact()
    after = Path(options.gallery).stat().st_size
    print(f'{options.gallery}: {before / 1e6:,.1f} -> {after / 1e6:,.1f} MB')
