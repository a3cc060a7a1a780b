"""Put galleries of one model together, such as those of several machines.

examples:
  mmps merge all.mmps north.mmps south.mmps
  # from a file to a server, or back
  mmps merge 'postgresql://user@host/database?gallery=NAME' people.mmps
"""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('gallery', metavar='GALLERY', help='receives the people; may be new')
    parser.add_argument('parts', nargs='+', metavar='PART', help='galleries that are read')


def run(options: argparse.Namespace) -> None:
    """Merge."""
    from contextlib import ExitStack

    from mmps.gallery import merge, open_gallery

    with ExitStack() as stack:
        parts = [stack.enter_context(open_gallery(path)) for path in options.parts]
        model = parts[0].info.model
        target = stack.enter_context(open_gallery(options.gallery, model=model, mode='w'))
        merged = merge(target, *parts)
        print(f'{merged:,} people read, {target.info.where} holds {target.count():,}')
