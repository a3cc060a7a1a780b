"""JSON files of any system, read safely and fast."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmps.files import FOREIGN, read_text
from mmps.structures import DataError

_AGAIN = 'export or convert it again'
_BEGINNINGS = (
    (rb'\s*<\?xml', 'it is XML', 'export it as COCO JSON'),
    *FOREIGN,
    (rb'PK', 'it is an archive', 'unpack it, and give the JSON file'),
)


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
        what = 'is a folder' if path.is_dir() else 'does not exist'
        raise DataError(
            f'{path} {what}: convert the data set first, with a script of '
            'tools/dataset_converters, or correct the path (`ann_file` in a config)'
        )
    try:
        with _without_collecting():
            return json.loads(read_text(path))
    except (ValueError, RecursionError, OSError) as error:
        reason, cure = _reason(error, path)
        raise DataError(f'{path} is no JSON ({reason}): {cure}') from None


def _reason(error: Exception, path: Path) -> tuple[str, str]:
    """Return in plain words why a file is not JSON, and how to fix it."""
    if isinstance(error, OSError):
        return str(error), _AGAIN
    data = path.read_bytes().strip()
    if not data:
        return 'it is empty', _AGAIN
    for begins, reason, cure in _BEGINNINGS:
        if re.match(begins, data):
            return reason, cure
    if isinstance(error, UnicodeDecodeError):
        return 'it is no text in UTF-8 or UTF-16', 'save it in UTF-8'
    if data.startswith((b'{', b'[')) and not data.endswith((b'}', b']')):
        return 'it is cut short', _AGAIN
    return str(error), _AGAIN


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
