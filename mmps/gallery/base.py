"""What every gallery can do, whatever keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from mmps.structures import DataError

from .rows import Hits, Rows, Where


@dataclass(frozen=True)
class GalleryModel:
    """The model whose embeddings a gallery holds; those of another one cannot be compared.

    Attributes:
        fingerprint: Text that changes with anything that embeddings depend on.
        dimension: Size of an embedding.
        recipe: How the model was named when the gallery was made (config, weights, options), as
            plain data, so that a search finds it again.
    """

    fingerprint: str
    dimension: int
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GalleryInfo:
    """What a gallery is.

    Attributes:
        where: Its path or address.
        model: Whose embeddings it holds.
        format: Version of the format.
        created: Seconds since 1970.
    """

    where: str
    model: GalleryModel
    format: int
    created: float


@dataclass(frozen=True)
class Progress:
    """How far one image or video is indexed.

    Attributes:
        source: Its path, as it was given.
        digest: Of its content.
        size: Bytes.
        mtime: Time of its last change, in nanoseconds since 1970.
        last_frame: The last frame that is indexed, or ``STILL`` (-1) before the first one and for
            images.
        finished: Whether nothing is left to index.
        camera: Name of the camera, or an empty text.
        width: Of its images in pixels, after EXIF rotation; 0 where unknown.
        height: As ``width``.
        every: Seconds between the frames of a video that were searched for people.
        start: Time of a video's first frame in seconds since 1970; 0 where unknown.
        time_origin: Where the times of its rows come from, such as ``exif`` or ``start``.
        problem: Why it could not be indexed, or an empty text.
    """

    source: str
    digest: str
    size: int = 0
    mtime: int = 0
    last_frame: int = -1
    finished: bool = False
    camera: str = ''
    width: int = 0
    height: int = 0
    every: float = 0.0
    start: float = 0.0
    time_origin: str = ''
    problem: str = ''


@dataclass(frozen=True)
class Statistics:
    """What a gallery holds, in numbers.

    Attributes:
        people: Number of people by source.
        cameras: Number of people by camera; an empty text where unknown.
        since: Earliest time of a person in seconds since 1970, ``None`` where none is known.
        until: Latest time.
        bytes: On disk, ``None`` where unknown.
    """

    people: Mapping[str, int]
    cameras: Mapping[str, int]
    since: float | None
    until: float | None
    bytes: int | None


Group = tuple[str, str, int, float | None, float | None]
"""People of one source and camera: both names, their number, earliest and latest time."""


class Gallery(Protocol):
    """People found in images and videos, kept for search."""

    @property
    def info(self) -> GalleryInfo:
        """What this gallery is."""

    def add(self, rows: Rows, done: Sequence[Progress] = ()) -> np.ndarray:
        """Store people and how far their sources are indexed, all or nothing.

        A row that is there already, of the same content, frame and slot, is replaced. Where a
        source comes with another digest than before, its earlier rows leave at the same moment.

        Args:
            rows: Whose sources are known from ``done`` or from earlier.
            done: New states of sources.

        Returns:
            ``(n,)`` public ids of the rows.

        Raises:
            DataError: Embeddings have another dimension, a source is unknown, the gallery was
                opened for reading, or the disk is full; then nothing was stored.
        """

    def search(self, vectors: np.ndarray, k: int = 100, where: Where | None = None) -> list[Hits]:
        """Find the rows most similar to each query.

        Args:
            vectors: ``(Q, D)`` embeddings of unit length.
            k: Number of hits wanted; fewer where fewer rows pass.
            where: Conditions on rows.

        Returns:
            Q hits, each sorted by similarity; rows of equal similarity in the order in which they
            were added.
        """

    def rows(
        self, where: Where | None = None, *, vectors: bool = False, batch: int = 10_000
    ) -> Iterator[Rows]:
        """List rows in the order in which they were added, batch by batch.

        Args:
            where: Conditions on rows.
            vectors: Whether embeddings are wanted too.
            batch: Largest number of rows at a time.
        """

    def count(self, where: Where | None = None) -> int:
        """Count the rows that meet conditions."""

    def remove(self, where: Where) -> int:
        """Remove rows; sources that are named and nothing else are forgotten with their progress.

        Args:
            where: Conditions on rows; without any, nothing is removed.

        Returns:
            How many rows were removed.
        """

    def progress(self) -> Mapping[str, Progress]:
        """Get how far each source is indexed, by its path."""

    def statistics(self) -> Statistics:
        """Count what is in it by source and camera."""

    def set_note(self, name: str, content: Mapping[str, Any] | None) -> None:
        """Keep a small fact beside the rows, such as what a worker is doing.

        Args:
            name: Under which it is found; a note of that name is replaced.
            content: Plain data; ``None`` removes the note.
        """

    def notes(self) -> Mapping[str, dict[str, Any]]:
        """Get all notes by their names."""

    def compact(self) -> None:
        """Free the space of removed rows."""

    def close(self) -> None:
        """Release files and connections; a closed gallery is of no further use."""


def check_same_model(expected: GalleryModel, given: GalleryModel, where: str) -> None:
    """Refuse embeddings of another model.

    Args:
        expected: Of the gallery.
        given: Of what is to be added or searched.
        where: The gallery's path or address, for the message.

    Raises:
        DataError: The fingerprints differ.
    """
    if expected.fingerprint != given.fingerprint:
        raise DataError(
            f'{where} holds embeddings of another model ({expected.recipe or "unknown"}, '
            f'fingerprint {expected.fingerprint[:12]}) than the given one (fingerprint '
            f'{given.fingerprint[:12]}): embeddings of two models cannot be compared; use its own '
            'model, or index into a new gallery'
        )


def statistics_of(groups: Iterable[Group], size: int | None) -> Statistics:
    """Add up counts of rows.

    Args:
        groups: Source, camera, number of people, earliest and latest time.
        size: Bytes on disk, ``None`` where unknown.
    """
    people: Counter = Counter()
    cameras: Counter = Counter()
    times = []
    for source, camera, count, *ends in groups:
        people[source] += count
        cameras[camera] += count
        times += [moment for moment in ends if moment is not None]
    return Statistics(people, cameras, min(times, default=None), max(times, default=None), size)


def merge(target: Gallery, *parts: Gallery) -> int:
    """Add all rows and progress of other galleries; repeated, it changes nothing.

    Args:
        target: Opened for writing.
        parts: Of the same model.

    Returns:
        How many rows were read from the parts.

    Raises:
        DataError: A part is of another model, or knows other content under the same path.
    """
    known = dict(target.progress())
    for part in parts:
        check_same_model(target.info.model, part.info.model, target.info.where)
        for path, progress in part.progress().items():
            if path in known and known[path].digest != progress.digest:
                raise DataError(
                    f'{part.info.where} and the galleries before it hold different content under '
                    f'the same path {path}: remove it from one of them, or index it again under '
                    'another path'
                )
            known[path] = progress
    return sum(_merge_one(target, part) for part in parts)


def _merge_one(target: Gallery, part: Gallery) -> int:
    states, before, merged = part.progress(), target.progress(), 0
    for rows in part.rows(vectors=True):
        # Until all rows are here a source counts as not begun, so that a killed merge is repeated.
        begun = [
            replace(states[path], last_frame=-1, finished=False)
            for path in dict.fromkeys(rows.source)
            if path not in before
        ]
        target.add(rows, begun)
        merged += len(rows)
    further = [
        state
        for path, state in states.items()
        if path not in before or _is_further(state, before[path])
    ]
    target.add(Rows.empty(target.info.model.dimension), further)
    return merged


def _is_further(state: Progress, known: Progress) -> bool:
    return (state.finished, state.last_frame) > (known.finished, known.last_frame)
