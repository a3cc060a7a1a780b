"""Options of tools that say how to read an annotation file from elsewhere."""

from __future__ import annotations

import argparse

from .reading import Reading


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how an annotation file from elsewhere is to be read.

    Args:
        parser: Of a tool that reads annotation files; see :func:`reading_of`.
    """
    parser.add_argument(
        '--unlabelled',
        type=int,
        nargs='+',
        default=[],
        metavar='ID',
        help='person ids that mean "unknown" in this file, such as 5555 (default: negative ones)',
    )
    parser.add_argument(
        '--identity-key',
        metavar='KEY',
        help='field of annotations that holds the identities, such as attributes.track_id '
        '(default: person_id, pid or identity)',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=[],
        metavar='NAME',
        help='categories that are people (default: person, people or pedestrian, or the only one)',
    )


def reading_of(options: argparse.Namespace) -> Reading:
    """Return how a file is to be read, from the options of :func:`add_reading_options`."""
    return Reading.of(options.unlabelled, options.identity_key, options.classes)
