"""Live streams as inputs of ``mmps index``."""

from __future__ import annotations

import argparse
from typing import Any


def add_stream_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only live streams have."""
    parser.add_argument(
        '--keep-crops',
        metavar='DIR',
        help='of live streams: keep the crop of each person, since no scene can be read again',
    )
    parser.add_argument(
        '--for',
        dest='seconds',
        type=float,
        metavar='SECONDS',
        help='of live streams: stop after this time (default: at Ctrl-C)',
    )


def check_streams(options: argparse.Namespace) -> bool:
    """Check whether the inputs are live streams, and whether the options fit.

    Args:
        options: Of ``mmps index``.

    Raises:
        ConfigError: Files and streams are mixed, or options of one kind are given for the other.
    """
    from mmps.gallery.streams import is_stream
    from mmps.structures import ConfigError

    live = [given for given in options.inputs if is_stream(given)]
    if not live:
        if options.keep_crops or options.seconds:
            raise ConfigError('--keep-crops and --for are for live streams: the inputs are files')
        return False
    if len(live) < len(options.inputs):
        raise ConfigError(f'{live[0]} is a live stream: index files and streams by two commands')
    if options.start or options.frame_rate:
        raise ConfigError('--start and --frame-rate are for files: a stream has the time it is')
    return True


def watch_streams(
    options: argparse.Namespace, gallery: Any, find: Any, addresses: list[str], settings: Any
) -> int:
    """Fill a gallery from live streams, and say what was seen.

    Args:
        options: Of ``mmps index``.
        gallery: Opened for writing.
        find: Finds people in images.
        addresses: Of the streams.
        settings: How.

    Returns:
        0.
    """
    from pathlib import Path

    from rich.console import Console

    from mmps.gallery.streams import CropFolder, watch

    crops = CropFolder(Path(options.keep_crops)) if options.keep_crops else None
    with Console(stderr=True).status('waiting for the first frame; Ctrl-C ends') as status:

        def report(seen: list[Any]) -> None:
            frames, people = (sum(getattr(s, name) for s in seen) for name in ('frames', 'people'))
            status.update(f'{people:,} people in {frames:,} frames; Ctrl-C ends')

        watched = watch(gallery, find, addresses, settings, options.seconds, crops, report)
    for seen in watched:
        print(
            f'{seen.address}: {seen.people:,} people in {seen.frames:,} of {seen.received:,} '
            f'frames, {seen.dropped:,} dropped, {seen.breaks:,} breaks'
        )
    print(f'{gallery.info.where} holds {gallery.count():,} people')
    return 0
