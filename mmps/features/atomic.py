"""Files that are there whole or not at all, whenever the writer is killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

ABANDONED_AFTER = 900.0
"""Seconds since the last byte after which a scratch file's writer is taken for dead."""


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a scratch file that takes the place of ``path`` once it is on disk to its end.

    Args:
        path: In an existing folder.
    """
    scratch = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(scratch, 'wb+') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that nobody ever sees a part of it."""
    with atomic_file(path) as file:
        file.write(content)


def remove_abandoned(folder: Path) -> None:
    """Remove the scratch files that killed writers left; those of others at work stay."""
    for scratch in folder.glob('.*.tmp'):
        try:
            if time.time() - scratch.stat().st_mtime > ABANDONED_AFTER:
                scratch.unlink()
        except OSError:  # another process was faster, or may and we may not
            continue
