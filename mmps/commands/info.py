"""Show what a gallery holds: people, sources, cameras, times and its model.

examples:
  mmps info people.mmps --sources
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .galleries import add_gallery, megabytes


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)
    parser.add_argument('--sources', action='store_true', help='list every source too')
    parser.add_argument('--json', metavar='F', help='write all of it as JSON')


def run(options: argparse.Namespace) -> None:
    """Print what the gallery holds."""
    from dataclasses import asdict
    from pathlib import Path

    from mmps.files import write_json
    from mmps.gallery import open_gallery
    from mmps.gallery.workers import workers

    with open_gallery(options.gallery) as gallery:
        info, states = gallery.info, gallery.progress()
        numbers, shares = gallery.statistics(), workers(gallery)
    people = sum(numbers.people.values())
    print(f'{info.where}: {people:,} people of {len(states):,} sources')
    print_facts(info, numbers)
    print_states(states)
    print_workers(shares)
    if options.sources:
        for path in states:
            print(f'  source    {path}: {numbers.people.get(path, 0):,} people')
    if options.json:
        sources = [
            {**asdict(s), 'people': numbers.people.get(s.source, 0)} for s in states.values()
        ]
        content = {
            'gallery': info.where,
            'people': people,
            'model': asdict(info.model),
            'cameras': dict(numbers.cameras),
            'sources': sources,
            'workers': [asdict(worker) for worker in shares],
        }
        write_json(Path(options.json), content)


def print_facts(info: Any, numbers: Any) -> None:
    """Print size, model, times and cameras of a gallery.

    Args:
        info: Of the gallery.
        numbers: Its statistics.
    """
    from mmps.visualization.captions import shown_time

    model = info.model
    print(f'  size      {megabytes(numbers.bytes)}, format {info.format}')
    print(f'  model     {model.recipe.get("model", "unknown")}, {model.dimension} numbers')
    print(f'  made      {shown_time(info.created)}')
    if numbers.since is not None:
        print(f'  times     {shown_time(numbers.since)} to {shown_time(numbers.until)}')
    for camera, count in sorted(numbers.cameras.items()):
        print(f'  camera    {camera or "(unknown)"}: {count:,} people')


def print_states(states: Mapping[str, Any]) -> None:
    """Print which sources are not indexed to their end, and which could not be read.

    Args:
        states: Of the sources, by path.
    """
    begun = [s.source for s in states.values() if not s.finished]
    if begun:
        print(f'  begun     {len(begun)} sources are not indexed to their end: index again')
    for state in states.values():
        if state.problem:
            print(f'  problem   {state.problem}')


def print_workers(shares: Sequence[Any]) -> None:
    """Print how far each worker of ``mmps index --shard`` is, and all of them together.

    Args:
        shares: The workers.
    """
    from mmps.visualization.captions import shown_time

    for worker in shares:
        seen = f'finished {shown_time(worker.seen)}'
        if not worker.finished:
            seen = f'seen {time.time() - worker.seen:,.0f} s ago'
        share = f'{worker.done:,} of {worker.sources:,} sources'
        print(f'  worker    {worker.shard} on {worker.host}: {share}, {seen}')
    done, total = (sum(getattr(w, name) for w in shares) for name in ('done', 'sources'))
    if shares:
        print(f'  together  {done:,} of {total:,} sources, {done / max(total, 1):.0%}')
