"""Check that everything that mmps needs works here, and print what fixes the rest.

examples:
  mmps doctor
  mmps doctor --json
"""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('--json', action='store_true', help='print JSON, for a bug report')


def run(options: argparse.Namespace) -> int:
    """Check.

    Returns:
        1 where something fails.
    """
    from mmps.doctor.__main__ import main

    return main(['--json'] if options.json else [])
