"""JSON files of any system, read safely and fast."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmps.files import read_text
from mmps.structures import DataError


def read_json(path: str | Path) -> Any:
    """Read a JSON file in any Unicode encoding.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        DataError: The file is missing, or no JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            f'{path} does not exist: convert the data set first, with a script of '
            'tools/dataset_converters, or correct the path (`ann_file` in a config)'
        )
    try:
        with _without_collecting():
            return json.loads(read_text(path))
    except (ValueError, RecursionError, OSError) as error:
        raise DataError(f'{path} is no JSON ({error}): export or convert it again') from None


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector from visiting a growing tree again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
