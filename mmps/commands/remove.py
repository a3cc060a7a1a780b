"""Remove people from a gallery: of sources, cameras or times, or single hits by their id.

Their rows are overwritten in the file when it is compacted (mmps compact).

examples:
  mmps remove people.mmps --source footage/a.mp4
  # keep 30 days
  mmps remove people.mmps --before "$(date -d '30 days ago' +%F)" --yes && mmps compact people.mmps
  mmps remove people.mmps --id 5577006791947779410 --yes
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .galleries import add_gallery
from .search import add_conditions, conditions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)
    parser.add_argument('--source', nargs='+', metavar='F', help='only of these images and videos')
    parser.add_argument('--id', nargs='+', type=int, metavar='ID', help='only these people')
    parser.add_argument(
        '--before',
        metavar='TIME',
        help='only people seen before this time; those whose date is unknown stay',
    )
    add_conditions(parser)
    parser.add_argument('--yes', action='store_true', help='do not ask')


def run(options: argparse.Namespace) -> int:
    """Remove.

    Returns:
        1 where the answer was no.
    """
    from mmps.gallery import open_gallery
    from mmps.gallery.conditions import check_cameras, check_sources
    from mmps.gallery.streams import remove_crops
    from mmps.structures import ConfigError

    where = conditions(options, sources=options.source, ids=options.id)
    if options.before is not None:
        where = before(where, options.before)
    if not where.given:
        raise ConfigError('say which people: --source, --id, --camera, --before, --since, --until')
    with open_gallery(options.gallery, mode='w') as gallery:
        check_cameras(gallery, options.camera)
        check_sources(gallery, options.source)
        count = gallery.count(where)
        if not options.yes and not _confirmed(f'Remove {count:,} people of {options.gallery}?'):
            return 1
        remove_crops(gallery, where)
        print(f'{gallery.remove(where):,} people removed, {gallery.count():,} are left')
    return 0


def before(where: Any, text: str) -> Any:
    """Narrow conditions to people seen before a time.

    Args:
        where: The conditions.
        text: The time.

    Raises:
        ConfigError: Other times are given too.
    """
    from dataclasses import replace

    import numpy as np

    from mmps.gallery.sources import parse_time
    from mmps.structures import ConfigError
    from mmps.visualization.captions import FIRST_DATE

    if where.given & {'since', 'until'}:
        raise ConfigError('--before stands alone: leave out --since and --until')
    # Times of videos that count from their own beginning are no dates.
    return replace(where, since=FIRST_DATE, until=float(np.nextafter(parse_time(text), 0)))


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        print(f'{question} Nothing was removed: give --yes', file=sys.stderr)
        return False
    return input(f'{question} [y/N] ').strip().lower() in ('y', 'yes')
