"""Show what a gallery holds: people, sources, cameras, times and its model.

examples:
  mmps info people.mmps --sources
"""

from __future__ import annotations

import argparse
import math
from collections import Counter


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('gallery', metavar='GALLERY', help='the file; its name ends in .mmps')
    parser.add_argument('--sources', action='store_true', help='list every source too')
    parser.add_argument('--json', metavar='F', help='write all of it as JSON')


def run(options: argparse.Namespace) -> None:
    """Print what the gallery holds."""
    from dataclasses import asdict
    from pathlib import Path

    from mmps.files import write_json
    from mmps.gallery import open_gallery
    from mmps.visualization.captions import shown_time

    with open_gallery(options.gallery) as gallery:
        info, states = gallery.info, gallery.progress()
        people: Counter = Counter()
        cameras: Counter = Counter()
        low, high = math.inf, -math.inf
        for rows in gallery.rows():
            people.update(rows.source)
            cameras.update(rows.camera)
            known = rows.time[~(rows.time != rows.time)]
            low, high = min([low, *known]), max([high, *known])
    size = Path(options.gallery).stat().st_size
    print(f'{options.gallery}: {sum(people.values()):,} people of {len(states):,} sources')
    print(f'  file      {size / 1e6:,.1f} MB, format {info.format}')
    print(
        f'  model     {info.model.recipe.get("model", "unknown")}, {info.model.dimension} numbers'
    )
    print(f'  made      {shown_time(info.created)}')
    if math.isfinite(low):
        print(f'  times     {shown_time(low)} to {shown_time(high)}')
    for camera, count in sorted(cameras.items()):
        print(f'  camera    {camera or "(unknown)"}: {count:,} people')
    open_ones = [s.source for s in states.values() if not s.finished]
    problems = [s for s in states.values() if s.problem]
    if open_ones:
        print(f'  begun     {len(open_ones)} sources are not indexed to their end: index again')
    for state in problems:
        print(f'  problem   {state.problem}')
    if options.sources:
        for path in states:
            print(f'  source    {path}: {people[path]:,} people')
    if options.json:
        content = {
            'gallery': options.gallery,
            'people': sum(people.values()),
            'model': asdict(info.model),
            'cameras': dict(cameras),
            'sources': [{**asdict(s), 'people': people[s.source]} for s in states.values()],
        }
        write_json(Path(options.json), content)
