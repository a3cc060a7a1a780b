"""Filling a gallery from live streams, until it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from mmps.structures import DataError

from ..base import Gallery, Progress
from ..indexing import Find, Settings, rows_of
from ..rows import Rows
from .addresses import shown_address, source_of, stream_digest
from .capture import PAUSES, Capture, LiveFrame
from .crops import CropFolder

PART = 3600.0
"""Seconds of a stream that make one source: people are linked to visits within one."""

REST = 0.05
"""Seconds to wait where no stream has a new frame."""


@dataclass
class Watched:
    """What was seen of one stream.

    Attributes:
        address: Without password.
        frames: Frames in which people were looked for.
        people: People that were found.
        received: Frames that arrived.
        dropped: Wanted frames that newer ones replaced, because the model was busy.
        breaks: How often the connection broke, or could not be made.
    """

    address: str
    frames: int = 0
    people: int = 0
    received: int = 0
    dropped: int = 0
    breaks: int = 0


@dataclass
class _Stream:
    capture: Capture
    seen: Watched
    camera: str
    state: Progress | None = None
    first: int = 0


def watch(
    gallery: Gallery,
    find: Find,
    addresses: Sequence[str],
    settings: Settings | None = None,
    seconds: float | None = None,
    crops: CropFolder | None = None,
    report: Callable[[list[Watched]], None] | None = None,
    pauses: tuple[float, ...] = PAUSES,
) -> list[Watched]:
    """Find the people of live streams and store them as they come.

    Each hour of a stream is a source of its own, ``ADDRESS#TIME``. What was stored stays whatever
    happens; a stream that breaks is opened again.

    Args:
        gallery: Opened for writing.
        find: Finds people in images.
        addresses: Of the streams.
        settings: How: ``every``, ``min_score``, ``batch_size`` and ``places`` count.
        seconds: When to stop; never where left out, until ``KeyboardInterrupt``.
        crops: Where crops of people are kept.
        report: Called whenever something was stored.
        pauses: Seconds between tries to connect again.

    Returns:
        What was seen of each stream.

    Raises:
        DataError: No stream could be opened within the time.
    """
    settings = settings or Settings()
    if crops is not None:
        crops.announce(gallery)
    end = None if seconds is None else time.monotonic() + seconds
    with ExitStack() as stack:
        streams = []
        for address in addresses:
            capture = stack.enter_context(Capture(address, settings.every, pauses))
            shown = shown_address(address)
            streams.append(_Stream(capture, Watched(shown), settings.places(shown).camera))
        try:
            _fill(gallery, find, streams, settings, end, crops, report)
        except KeyboardInterrupt:
            pass
        finally:
            _finish(gallery, streams)
    watched = [stream.seen for stream in streams]
    if not any(seen.received for seen in watched):
        names = ', '.join(seen.address for seen in watched)
        raise DataError(f'no frame came from {names}: check the address, and that it is reached')
    return watched


def _fill(
    gallery: Gallery,
    find: Find,
    streams: list[_Stream],
    settings: Settings,
    end: float | None,
    crops: CropFolder | None,
    report: Callable[[list[Watched]], None] | None,
) -> None:
    while end is None or time.monotonic() < end:
        fresh = [(s, frame) for s in streams if (frame := s.capture.take()) is not None]
        if not fresh:
            time.sleep(REST)
        for start in range(0, len(fresh), settings.batch_size):
            _store(gallery, find, fresh[start : start + settings.batch_size], settings, crops)
        for stream in streams:
            _count(stream)
        if fresh and report is not None:
            report([stream.seen for stream in streams])


def _store(
    gallery: Gallery,
    find: Find,
    batch: list[tuple[_Stream, LiveFrame]],
    settings: Settings,
    crops: CropFolder | None,
) -> None:
    found = find([frame.image for _, frame in batch])
    for (stream, frame), people in zip(batch, found, strict=True):
        done = _advance(stream, frame, settings.every)
        state = done[-1]
        rows = rows_of(state, state.last_frame, frame.time, people, settings.min_score)
        ids = gallery.add(rows, done)
        stream.seen.frames += 1
        stream.seen.people += len(rows)
        if crops is not None:
            for box, public in zip(rows.boxes, ids.tolist(), strict=True):
                crops.keep(frame.image, box, public)


def _advance(stream: _Stream, frame: LiveFrame, every: float) -> list[Progress]:
    """Return the states of the part that ends, if one does, and of the one that goes on."""
    before = stream.state
    height, width = frame.image.shape[:2]
    ended = []
    if before is not None and frame.time - before.start >= PART:
        ended, before = [replace(before, finished=True)], None
    if before is None:
        source = source_of(stream.seen.address, frame.time)
        stream.first = frame.number
        before = Progress(
            source,
            stream_digest(source),
            camera=stream.camera,
            every=every,
            start=frame.time,
            time_origin='stream',
        )
    number = frame.number - stream.first
    stream.state = replace(before, last_frame=number, width=width, height=height)
    return [*ended, stream.state]


def _count(stream: _Stream) -> None:
    capture, seen = stream.capture, stream.seen
    seen.received, seen.dropped = capture.received, capture.dropped
    seen.breaks = capture.breaks


def _finish(gallery: Gallery, streams: list[_Stream]) -> None:
    states = [replace(stream.state, finished=True) for stream in streams if stream.state]
    if states:
        gallery.add(Rows.empty(gallery.info.model.dimension), states)
    for stream in streams:
        _count(stream)
