"""The parsers of tools, as they are when the tool reads its command line."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / 'tools' / 'quickstart'


class CaughtError(Exception):
    """Ends a tool where it would read its command line; carries the parser."""


def parser_of(path: Path) -> argparse.ArgumentParser:
    """Return a tool's parser; nothing of the tool runs."""

    def catch(parser, *_, **__):
        raise CaughtError(parser)

    loaded = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_args', catch)
        patch.setattr(sys, 'argv', [str(path)])
        with pytest.raises(CaughtError) as caught:
            runpy.run_path(str(path), run_name='__main__')
    for name in {'pipeline', 'report'} - loaded:  # the quickstart's, of too plain a name
        sys.modules.pop(name, None)
    return caught.value.args[0]
