"""The argument that names a gallery, shared by the commands."""

from __future__ import annotations

import argparse


def add_gallery(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a gallery.

    Args:
        parser: Of a command.
    """
    parser.add_argument(
        'gallery',
        metavar='GALLERY',
        help='a file whose name ends in .mmps, or a server such as '
        'postgresql://user@host/database?gallery=NAME',
    )


def megabytes(count: int | None) -> str:
    """Write a number of bytes as people read it.

    Args:
        count: Bytes, ``None`` where unknown.
    """
    return 'unknown size' if count is None else f'{count / 1e6:,.1f} MB'
