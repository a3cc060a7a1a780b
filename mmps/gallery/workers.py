"""What each of several workers that fill one gallery has done so far."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mmps.digests import digest

from .base import Gallery, Progress

PREFIX = 'worker '
INTERVAL = 5.0
"""Seconds between two notes of one worker."""

FORGOTTEN = 7 * 86_400.0
"""Seconds after which a worker that was not seen any more is forgotten."""


@dataclass(frozen=True)
class Worker:
    """One worker's share of the work.

    Attributes:
        shard: ``I/N``, as it was given.
        host: Name of its machine.
        process: Number of its process there.
        sources: Images and videos of its share.
        done: How many of them are indexed.
        since: When it began, in seconds since 1970.
        seen: When it was heard of last.
        finished: Whether it came to its end.
    """

    shard: str
    host: str
    process: int
    sources: int
    done: int
    since: float
    seen: float
    finished: bool = False


def workers(gallery: Gallery) -> list[Worker]:
    """List the workers of a gallery by their shards.

    Args:
        gallery: That they fill.
    """
    notes = gallery.notes().items()
    found = [Worker(**content) for name, content in notes if name.startswith(PREFIX)]
    return sorted(found, key=lambda worker: (worker.shard.partition('/')[2], _number(worker)))


def _number(worker: Worker) -> int:
    return int(worker.shard.partition('/')[0])


class WorkerNote:
    """Writes down in the gallery how far this worker is; used around :func:`index`.

    Args:
        gallery: Opened for writing.
        shard: ``I/N``.
        inputs: What was to be indexed by all workers: a worker that begins again replaces its note.
        sources: Number of sources of this worker.
    """

    def __init__(self, gallery: Gallery, shard: str, inputs: Sequence[str], sources: int) -> None:
        self._gallery = gallery
        self._name = f'{PREFIX}{shard} {digest({"inputs": list(inputs)})[:12]}'
        now = time.time()
        host, process = socket.gethostname(), os.getpid()
        self._worker = Worker(shard, host, process, sources, 0, since=now, seen=now)

    def __enter__(self) -> WorkerNote:
        now = time.time()
        for name, content in self._gallery.notes().items():
            if name.startswith(PREFIX) and now - content['seen'] > FORGOTTEN:
                self._gallery.set_note(name, None)
        self._write()
        return self

    def __exit__(self, kind: type | None, *_: Any) -> None:
        if kind is None:
            self._write(done=self._worker.sources, finished=True)

    def report(self, position: int, state: Progress, frame: object) -> None:
        """Note that something was stored, every few seconds."""
        if time.time() - self._worker.seen >= INTERVAL:
            self._write(done=position + state.finished)

    def _write(self, **changes: Any) -> None:
        self._worker = replace(self._worker, seen=time.time(), **changes)
        self._gallery.set_note(self._name, asdict(self._worker))
