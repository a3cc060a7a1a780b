"""People of consecutive frames linked to tracklets: who was there from when to when."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from .rows import STILL, Rows


@dataclass(frozen=True)
class Linking:
    """When two boxes of consecutive frames are one person.

    Attributes:
        max_gap: Seconds without a box after which a visit ends.
        min_similarity: Smallest cosine similarity of a box to its tracklet, in -1..1.
        reach: Farthest move within a second, in heights of the box.
        memory: Part of a tracklet's embedding that stays when a box is added, in 0..1.
    """

    max_gap: float = 2.0
    min_similarity: float = 0.6
    reach: float = 2.0
    memory: float = 0.9


@dataclass(eq=False)
class _Track:
    number: int
    vector: np.ndarray
    box: np.ndarray
    time: float


def link(rows: Rows, linking: Linking | None = None) -> np.ndarray:
    """Link the people of one source to tracklets.

    From frame to frame the pairs with the largest sum of overlap (IoU) and similarity are taken, as
    a whole (Hungarian assignment). The same rows give the same tracklets, however they came.

    Args:
        rows: Of one source, with embeddings; in any order.
        linking: When two boxes are one person.

    Returns:
        ``(n,)`` numbers of tracklets, from 0 in the order in which they begin. People of still
        images are tracklets of their own.
    """
    linking = linking or Linking()
    numbers = np.full(len(rows), -1)
    tracks: list[_Track] = []
    begun = 0
    order = np.lexsort((rows.slot, rows.frame))
    for members in np.split(order, np.flatnonzero(np.diff(rows.frame[order])) + 1):
        if not len(members):
            continue
        time = rows.time[members[0]]
        tracks = [track for track in tracks if time - track.time <= linking.max_gap]
        matched = {} if rows.frame[members[0]] == STILL else _match(tracks, rows, members, linking)
        for place, member in enumerate(members):
            track = matched.get(place)
            if track is None:
                track = _Track(begun, rows.vectors[member], rows.boxes[member], time)
                tracks.append(track)
                begun += 1
            else:
                _extend(track, rows.vectors[member], rows.boxes[member], time, linking.memory)
            numbers[member] = track.number
    return numbers


def _match(
    tracks: list[_Track], rows: Rows, members: np.ndarray, linking: Linking
) -> dict[int, _Track]:
    """Find the tracklet of each member, where it has one."""
    if not tracks:
        return {}
    boxes = np.stack([track.box for track in tracks])
    similarities = np.stack([track.vector for track in tracks]) @ rows.vectors[members].T
    overlaps = box_overlaps(boxes, rows.boxes[members])
    gaps = rows.time[members[0]] - np.array([track.time for track in tracks])
    heights = boxes[:, 3] - boxes[:, 1]
    limit = linking.reach * heights * np.maximum(gaps, 0)
    near = (overlaps > 0) | (_distances(boxes, rows.boxes[members]) <= limit[:, None])
    possible = near & (similarities >= linking.min_similarity)
    gains = np.where(possible, 1 + overlaps + similarities, 0)
    chosen = zip(*linear_sum_assignment(-gains), strict=True)
    return {place: tracks[track] for track, place in chosen if possible[track, place]}


def _extend(track: _Track, vector: np.ndarray, box: np.ndarray, time: float, memory: float) -> None:
    mixed = memory * track.vector + (1 - memory) * vector
    track.vector = mixed / max(np.linalg.norm(mixed), 1e-12)
    track.box, track.time = box, time


def box_overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compute intersections over unions of boxes.

    Args:
        first: ``(n, 4)`` xyxy.
        second: ``(m, 4)`` xyxy.

    Returns:
        ``(n, m)`` in 0..1.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1) for b in (first, second)]
    return inside / np.maximum(areas[0][:, None] + areas[1] - inside, 1e-12)


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    centres = [(b[:, :2] + b[:, 2:]) / 2 for b in (first, second)]
    return np.linalg.norm(centres[0][:, None] - centres[1], axis=2)


@dataclass(frozen=True)
class Visit:
    """One person's stay before one camera.

    Attributes:
        source: The video.
        since: Time of the first box, as in :class:`Rows`.
        until: Time of the last box.
        boxes: How many boxes it has.
    """

    source: str
    since: float
    until: float
    boxes: int


def visits(rows: Rows, numbers: np.ndarray) -> list[Visit]:
    """Describe the tracklets of one source.

    Args:
        rows: Of the source.
        numbers: From :func:`link`.
    """
    found = []
    for number in range(int(numbers.max(initial=-1)) + 1):
        times = rows.time[numbers == number]
        source = rows.source[numbers == number][0]
        found.append(Visit(source, float(times.min()), float(times.max()), len(times)))
    return found


def averaged(rows: Rows, numbers: np.ndarray) -> Rows:
    """Stand for each tracklet by its best box, with the average of its embeddings.

    Args:
        rows: With embeddings.
        numbers: ``(n,)`` tracklets from :func:`link`.

    Returns:
        One row for each tracklet.
    """
    count = int(numbers.max(initial=-1)) + 1
    sums = np.zeros((count, rows.vectors.shape[1]))
    np.add.at(sums, numbers, rows.vectors)
    order = np.lexsort((-rows.scores, numbers))
    best = order[np.r_[True, np.diff(numbers[order]) > 0]] if count else order
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return replace(rows[best], vectors=(sums / lengths).astype(np.float32))
