"""Free the space of removed people; the file is written again, without their data.

examples:
  mmps compact people.mmps
"""

from __future__ import annotations

import argparse

from .galleries import add_gallery, megabytes


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)


def run(options: argparse.Namespace) -> None:
    """Compact."""
    from mmps.gallery import open_gallery

    with open_gallery(options.gallery, mode='w') as gallery:
        before = gallery.statistics().bytes
        gallery.compact()
        after = gallery.statistics().bytes
    print(f'{gallery.info.where}: {megabytes(before)} -> {megabytes(after)}')
