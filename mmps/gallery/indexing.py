"""Filling a gallery from images and videos, going on where an earlier run stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from mmps.digests import file_digest
from mmps.structures import DataError

from .base import Gallery, Progress
from .prefetching import prefetched
from .rows import STILL, Rows, Where
from .sources import (
    Frame,
    Places,
    Sampling,
    frames_digest,
    is_video,
    rate_mark,
    read_frames,
    state_of,
    time_origin,
)


class Found(Protocol):
    """The people of one image: ``boxes`` ``(N, 4)``, ``scores`` ``(N,)``, ``embeddings``."""

    boxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray


Find = Callable[[Sequence[np.ndarray]], Sequence[Found]]
"""Finds the people in ``(H, W, 3)`` uint8 BGR images."""


@dataclass(frozen=True)
class Settings:
    """How footage is indexed.

    Attributes:
        every: Seconds between the frames of a video that are searched for people; 0 for all.
        min_score: Smallest detection score of people who are kept.
        batch_size: Frames that the model sees at once and that are stored together; a killed run
            loses at most one such batch.
        places: Camera and start time of each source.
        frame_rate: Frames a second of folders whose images are the frames of one video.
    """

    every: float = 1.0
    min_score: float = 0.3
    batch_size: int = 8
    places: Places = field(default_factory=Places)
    frame_rate: float | None = None

    def sampling(self, source: str) -> Sampling:
        """Return which frames of a source are wanted."""
        return Sampling(self.every, self.places(source).start, self.frame_rate)


@dataclass
class Summary:
    """What an indexing run did.

    Attributes:
        sources: Number of sources that were read.
        frames: Number of images and frames in which people were looked for.
        people: Number of people that were found.
        unchanged: Number of sources that were indexed before.
        copies: Sources with the content of another one, which stands beside each.
        problems: Why a source could not be read to its end, by source.
    """

    sources: int = 0
    frames: int = 0
    people: int = 0
    unchanged: int = 0
    copies: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


Report = Callable[[int, Progress, Frame | None], None]
"""Called with a source's position in the list, its state, and the frame last stored, if any."""


@dataclass(frozen=True)
class _Piece:
    """A frame on its way to the model, or the news that a source ends."""

    position: int
    state: Progress
    frame: Frame | None


def index(
    gallery: Gallery,
    find: Find,
    sources: Sequence[str],
    settings: Settings | None = None,
    report: Report | None = None,
) -> Summary:
    """Find the people of images and videos and store them in a gallery.

    Sources that are in it with the same content are skipped; one that was begun goes on behind its
    last stored frame. A source that cannot be read is noted and left out, the others follow.

    Args:
        gallery: Opened for writing.
        find: Finds people in images.
        sources: Paths of images, videos and folders of frames.
        settings: How.
        report: Called whenever something is stored.
    """
    settings = settings or Settings()
    summary = Summary()
    for source in sources:  # whatever is wrong with a name is found before the first image
        settings.places(source)
    pieces = prefetched(_pieces(gallery, sources, settings, summary), 2 * settings.batch_size)
    for batch in _batches(pieces, settings.batch_size):
        _store(gallery, find, batch, settings, summary)
        if report is not None:
            report(batch[-1].position, batch[-1].state, batch[-1].frame)
    return summary


def _pieces(
    gallery: Gallery, sources: Sequence[str], settings: Settings, summary: Summary
) -> Iterator[_Piece]:
    """Read what is left to index, in a thread of its own."""
    known = dict(gallery.progress())
    # A file that is gone from where it was indexed has been moved: it may come under a new name.
    owners = {s.digest: path for path, s in known.items() if os.path.exists(path) and not s.problem}
    for position, source in enumerate(sources):
        before = known.get(source)
        try:
            state = _state(source, before, settings)
        except DataError as error:
            summary.problems[source] = str(error)
            continue
        if before is not None and before.finished and _is_same(before, state):
            summary.unchanged += 1
            if before.problem:
                summary.problems[source] = before.problem
            if state != before:
                yield _Piece(position, state, None)
            continue
        owner = owners.setdefault(state.digest, source)
        if owner != source:
            summary.copies[source] = owner
            continue
        if before is not None and not _is_same(before, state):
            gallery.remove(Where(sources=[source]))
            state = replace(state, last_frame=STILL)
        yield from _read(position, replace(state, finished=False), settings, summary)


def _state(source: str, before: Progress | None, settings: Settings) -> Progress:
    """Return where the indexing of a source stands, after a look at its file."""
    place = settings.places(source)
    try:
        status = state_of(source)
        same = before is not None and (before.size, before.mtime) == (status.size, status.mtime)
        digest = before.digest if same else ''
        if status.size == 0 and os.path.isfile(source):  # else it would be a copy of another one
            raise DataError(f'{source} is empty')
        if os.path.isdir(source):
            known = digest.endswith(rate_mark(settings.frame_rate))
            digest = digest if known else frames_digest(source, settings.frame_rate)
        digest = digest or file_digest(source)
    except OSError as error:
        raise DataError(f'{source} cannot be read: {error.strerror or error}') from None
    if before is None:
        before = Progress(source, digest)
    return replace(
        before,
        digest=digest,
        size=status.size,
        mtime=status.mtime,
        camera=place.camera,
        every=settings.every if is_video(source) else 0.0,
        start=place.start or 0.0,
        time_origin=time_origin(source, settings.sampling(source)),
    )


def _is_same(before: Progress, state: Progress) -> bool:
    """Check whether rows of before stand for the same content, seen in the same way."""
    keys = ('digest', 'camera', 'every', 'start', 'time_origin')
    return all(getattr(before, key) == getattr(state, key) for key in keys)


def _read(position: int, state: Progress, settings: Settings, summary: Summary) -> Iterator[_Piece]:
    source, notes = state.source, []
    sampling = settings.sampling(source)
    state = replace(state, problem='')
    summary.sources += 1
    try:
        for frame in read_frames(source, sampling, state.last_frame, notes.append):
            height, width = frame.image.shape[:2]
            state = replace(state, last_frame=frame.number, width=width, height=height)
            yield _Piece(position, state, frame)
    except DataError as error:
        notes.insert(0, str(error))
    if notes:
        summary.problems[source] = notes[0]
    yield _Piece(position, replace(state, finished=True, problem=notes[0] if notes else ''), None)


def _batches(pieces: Iterable[_Piece], size: int) -> Iterator[list[_Piece]]:
    """Collect frames to batches, which begin again with each video.

    So the batches of a video are the same whether its indexing was interrupted or not.
    """
    batch: list[_Piece] = []
    for piece in pieces:
        other = bool(batch) and batch[-1].state.source != piece.state.source
        full = sum(p.frame is not None for p in batch) >= size
        # The news that a source ends goes with its last frames.
        if (other and (full or is_video(piece.state.source))) or (full and piece.frame is not None):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _store(
    gallery: Gallery, find: Find, batch: list[_Piece], settings: Settings, summary: Summary
) -> None:
    seen = [piece for piece in batch if piece.frame is not None]
    found = find([piece.frame.image for piece in seen]) if seen else []
    parts = [
        rows_of(piece.state, piece.frame.number, piece.frame.time, people, settings.min_score)
        for piece, people in zip(seen, found, strict=True)
    ]
    rows = Rows.joined(parts) if parts else Rows.empty(gallery.info.model.dimension)
    states = {piece.state.source: piece.state for piece in batch}
    gallery.add(rows, list(states.values()))
    summary.frames += len(seen)
    summary.people += len(rows)


def rows_of(state: Progress, number: int, time: float, people: Found, min_score: float) -> Rows:
    """Put the people of a frame into rows, the surest first.

    Args:
        state: Of the source.
        number: Of the frame.
        time: Of the frame.
        people: Found in it.
        min_score: Smallest detection score of people who are kept.
    """
    kept = np.flatnonzero(people.scores >= min_score)
    kept = kept[np.argsort(-people.scores[kept], kind='stable')]
    count = len(kept)
    return Rows(
        vectors=people.embeddings[kept].reshape(count, people.embeddings.shape[1]),
        boxes=people.boxes[kept],
        scores=people.scores[kept],
        source=[state.source] * count,
        frame=np.full(count, number),
        slot=np.arange(count),
        time=np.full(count, time),
        camera=[state.camera] * count,
    )
