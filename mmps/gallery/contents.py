"""What a gallery holds at a glance: how many people, where and when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .base import Gallery
from .rows import Where


@dataclass(frozen=True, eq=False)
class Contents:
    """People of a gallery, counted.

    Attributes:
        sources: Number of people by path of their source.
        times: ``(n,)`` times of the people by name of their camera, rising, NaN at the end; people
            without a camera have the name ``''``.
    """

    sources: Counter = field(default_factory=Counter)
    times: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """Number of people."""
        return sum(map(len, self.times.values()))

    def span(self, camera: str | None = None) -> tuple[float, float] | None:
        """Return the first and the last time, ``None`` where none is known.

        Args:
            camera: That alone; all where left out.
        """
        chosen = self.times.values() if camera is None else [self.times[camera]]
        known = [times[~np.isnan(times)] for times in chosen]
        ends = [(times[0], times[-1]) for times in known if len(times)]
        if not ends:
            return None
        return float(min(first for first, _ in ends)), float(max(last for _, last in ends))


@dataclass(frozen=True, eq=False)
class Timeline:
    """How many people each camera saw when.

    Attributes:
        edges: ``(B + 1,)`` rising ends of the intervals, as times of :class:`Rows`.
        counts: ``(B,)`` people in each interval, by name of the camera.
    """

    edges: np.ndarray
    counts: dict[str, np.ndarray]


def contents(gallery: Gallery, where: Where | None = None) -> Contents:
    """Count the people of a gallery.

    Args:
        gallery: That is read as a whole.
        where: Conditions on rows.
    """
    sources: Counter = Counter()
    parts = defaultdict(list)
    for rows in gallery.rows(where):
        sources.update(rows.source)
        for camera in dict.fromkeys(rows.camera):
            parts[camera].append(rows.time[rows.camera == camera])
    times = {camera: np.sort(np.concatenate(pieces)) for camera, pieces in sorted(parts.items())}
    return Contents(sources, times)


def timeline(
    known: Contents,
    bins: int,
    since: float | None = None,
    until: float | None = None,
    cameras: Sequence[str] | None = None,
) -> Timeline:
    """Count the people of each camera in intervals of equal length.

    Args:
        known: From :func:`contents`.
        bins: Number of intervals, at least 1.
        since: Beginning of the first one; the first known time where left out.
        until: End of the last one, inclusive; the last known time where left out.
        cameras: Names; all where left out.

    Returns:
        Without any known time there are no intervals.
    """
    names = list(known.times) if cameras is None else [c for c in cameras if c in known.times]
    span = known.span()
    first, last = span or (0.0, 0.0)
    first, last = first if since is None else since, last if until is None else until
    if span is None or last < first:
        return Timeline(np.zeros(0), {name: np.zeros(0, np.int64) for name in names})
    edges = np.linspace(first, last if last > first else first + 1, bins + 1)
    counts = {}
    for name in names:
        times = known.times[name]
        counts[name], _ = np.histogram(times[~np.isnan(times)], edges)
    return Timeline(edges, counts)
