"""Track files in MOTChallenge's and similar formats: the meaning of their columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmps.formats.categories import find_categories
from mmps.structures import DataError

from .boxes import is_usable
from .log import ConversionLog
from .records import Box
from .textfiles import numbers, read_lines, whole

_LIKE_PEOPLE = {'person on vehicle', 'static person', 'distractor', 'reflection', 'crowd'}
_UNKNOWN = -1


@dataclass(frozen=True)
class TrackClasses:
    """The meaning of the class numbers of a track file.

    Attributes:
        people: Class numbers of people.
        ignored: Class numbers of ignore regions: detections there are neither right nor wrong.
        names: Names of the class numbers, if there are any.
    """

    people: frozenset[int]
    ignored: frozenset[int] = frozenset()
    names: Mapping[int, str] = field(default_factory=dict)

    def describe(self, number: int) -> str:
        """Return a class number with its name."""
        return f'{number} ({self.names[number]})' if number in self.names else str(number)


def _by_name(names: Sequence[str], first: int = 1) -> TrackClasses:
    found = find_categories([{'id': k, 'name': n} for k, n in enumerate(names, first)], None)
    alike = {k for k, n in found.names.items() if n.lower().replace('_', ' ') in _LIKE_PEOPLE}
    return TrackClasses(found.people - alike, found.ignored | alike, found.names)


MOTCHALLENGE = _by_name(
    ('pedestrian', 'person on vehicle', 'car', 'bicycle', 'motorbike', 'non-motorized vehicle',
     'static person', 'distractor', 'occluder', 'occluder on the ground', 'full occluder',
     'reflection', 'crowd')
)  # fmt: skip

VISDRONE = _by_name(
    ('ignored regions', 'pedestrian', 'people', 'bicycle', 'car', 'van', 'truck', 'tricycle',
     'awning-tricycle', 'bus', 'motor', 'others'), first=0
)  # fmt: skip

TRACKER = TrackClasses(frozenset({1}))
"""Of the class numbers of a tracker, only the first has a meaning."""


@dataclass(frozen=True)
class TrackBox:
    """One row of a track file.

    Attributes:
        frame: Number of the frame.
        track: Number of the track, negative if there is none.
        bbox: Box as xywh, in the numbers of the file.
        considered: Whether the flag of ground truth is not 0.
        kind: Class of the row.
        visibility: Visible share of the person, 0..1; 1 if unknown.
    """

    frame: int
    track: int
    bbox: Box
    considered: bool
    kind: int
    visibility: float


@dataclass(frozen=True)
class TrackFile:
    """The rows of a track file.

    Attributes:
        path: The file.
        rows: Its usable rows, in order.
        classes: Meaning of their class numbers.
        unusable: Number of rows that were dropped because of their boxes.
    """

    path: Path
    rows: list[TrackBox]
    classes: TrackClasses
    unusable: int = 0


def read_tracks(
    path: Path, log: ConversionLog, truth: bool, people: Collection[int] = ()
) -> TrackFile:
    """Read a track file of 7, 9 or 10 columns, separated by commas, semicolons or spaces.

    Frame, track, left, top, width and height come first. Column 7 is a flag in ground truth (0:
    not considered) and a score in a tracker's file. Of 9 columns the last two are class and
    visibility. Of 10 the last three are -1 or coordinates in the world (MOTChallenge 2015), or
    class, truncation and occlusion (VisDrone). ``labels.txt`` beside the file, or in the folder
    of the sequence, lists the names of the classes from 1 (CVAT's MOT 1.1). If all classes are
    -1, every row is a person.

    Args:
        path: The file.
        log: Receives dropped boxes.
        truth: Whether this is ground truth, not a tracker's output.
        people: Class numbers of people; empty: determined from the file.

    Returns:
        Its rows and the meaning of their classes.

    Raises:
        DataError: The file is missing, or has other columns.
    """
    lines = [(where, _split(line, where)) for where, line in read_lines(path)]
    labels = _labels(path)
    classes = _classes(path, [values for _, values in lines], truth, labels)
    if classes is not None:
        classes = _choose(path, classes, people, labels)
    rows = []
    for where, values in lines:
        bbox = tuple(values[2:6])
        row = TrackBox(
            frame=whole(values[0], where),
            track=whole(values[1], where),
            bbox=bbox,
            considered=not truth or values[6] != 0,
            kind=1 if classes is None else whole(values[7], where),
            visibility=_visibility(values, classes, labels),
        )
        if is_usable(bbox, where, log):
            rows.append(row)
    meaning = TRACKER if classes is None else classes
    return TrackFile(path, rows, meaning, unusable=len(lines) - len(rows))


def _split(line: str, where: str) -> list[float]:
    separator = next((mark for mark in ',;' if mark in line), None)
    words = [word.strip() for word in line.rstrip(',; ').split(separator)]
    if len(words) not in (7, 9, 10):
        raise DataError(
            f'{where} has {len(words)} columns; expected are frame, track, left, top, width, '
            'height, flag, class and visibility, or the 7 or 10 columns of a tracker'
        )
    return numbers(words, where)


def _classes(
    path: Path, rows: list[list[float]], truth: bool, labels: list[str]
) -> TrackClasses | None:
    """Determine the meaning of classes; ``None`` if there are none, so that all rows are people."""
    longer = [row for row in rows if len(row) > 7]
    if not longer or all(row[7] == _UNKNOWN for row in longer):
        return None
    if len(longer) < len(rows):
        raise DataError(f'{path} has rows with and without a class: write all rows in one way')
    if labels:
        return _by_name(labels)
    if all(len(row) == 9 for row in rows):
        return MOTCHALLENGE if truth else TRACKER
    if any(row[7] % 1 for row in rows):  # metres in the world
        return None
    if truth and not all(_is_visdrone(row) for row in rows):
        raise DataError(
            f'{path} has ten columns, and the last three are neither -1 or coordinates in the '
            'world (MOTChallenge 2015) nor class, truncation and occlusion (VisDrone): write '
            'frame, track, left, top, width, height, flag, class and visibility'
        )
    return VISDRONE if truth else TRACKER


def _is_visdrone(row: list[float]) -> bool:
    return len(row) == 10 and row[7] in range(12) and row[8] in (0, 1) and row[9] in (0, 1, 2)


def _visibility(values: list[float], classes: TrackClasses | None, labels: list[str]) -> float:
    shown = values[8] if len(values) == 9 or (labels and classes is not None) else 1.0
    return shown if shown >= 0 else 1.0


def _labels(path: Path) -> list[str]:
    for folder in (path.parent, path.parent.parent if path.parent.name == 'gt' else path.parent):
        if (folder / 'labels.txt').is_file():
            return [line for _, line in read_lines(folder / 'labels.txt')]
    return []


def _choose(
    path: Path, classes: TrackClasses, people: Collection[int], labels: list[str]
) -> TrackClasses:
    chosen = frozenset(people) or classes.people
    if not chosen:
        raise DataError(
            f'labels.txt of {path} lists {", ".join(labels):.200}, and none is called person, '
            'pedestrian or people: use --person-class with the number of its line'
        )
    return TrackClasses(chosen, classes.ignored - chosen, classes.names)
