"""Rows of track files become people of images: one set of rules for all such sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mmps.structures import UNLABELLED, DataError

from .log import ConversionLog
from .records import Image, Person
from .track_files import TrackBox, TrackClasses, TrackFile

_LEFT_OUT, _IGNORED, _UNLABELLED = 'left out', 'made ignore regions of', 'left unlabelled'


@dataclass(frozen=True)
class Way:
    """What becomes of a row that is not a person with an identity.

    Attributes:
        action: Treatment of the row.
        reason: Description of such rows.
        cure: How to make people of them, if possible.
    """

    action: str
    reason: str
    cure: str = ''


ABSENT = Way(_LEFT_OUT, 'in frames without an image', 'compare frame numbers and image names')
FLAGGED_OUT = Way(_IGNORED, 'not considered (flag 0)')
UNTRACKED = Way(
    _UNLABELLED, 'without a track number (-1)', "run a tracker: this is a detector's output"
)
REPEATED = Way(_UNLABELLED, 'a second box of their track in a frame')


def check_share(name: str, value: float) -> None:
    """Check that a setting is in 0..1.

    Args:
        name: Name of the setting.
        value: Its value.

    Raises:
        DataError: The value is not in 0..1.
    """
    if not 0 <= value <= 1:
        raise DataError(f'{name} must be in 0..1, not {value}')


def place_people(
    tracks: TrackFile,
    images: dict[int, Image],
    identify: Callable[[int], int],
    min_visibility: float,
    log: ConversionLog,
    visit_of: Callable[[TrackBox], int | None] = lambda row: None,
) -> Counter[Way | None]:
    """Put the rows of a track file into their images.

    Rows of people become people. They become ignore regions if they are not considered (flag 0),
    are hardly visible, or have a class that looks like people (MOTChallenge: on vehicles,
    standing, distractors, reflections). Other classes are left out.

    Args:
        tracks: The rows.
        images: Images by frame number; their people are added.
        identify: Returns the identity of a track number.
        min_visibility: Visible share, 0..1, below which a person becomes an ignore region.
        log: Receives everything that is not a person with an identity.
        visit_of: Returns the visit of a row, if it is known.

    Returns:
        Number of rows by what became of them; ``None``: people with an identity.
    """
    ways: Counter[Way | None] = Counter()
    for row in tracks.rows:
        way = _way(row, tracks.classes, min_visibility)
        image = images.get(row.frame)
        if image is None and (way is None or way.action != _LEFT_OUT):
            way = ABSENT
        elif way is None:
            person = _person(row, image, identify, visit_of)
            image.people.append(person)
            if person.person_id == UNLABELLED:
                way = UNTRACKED if row.track < 0 else REPEATED
        elif way.action == _IGNORED:
            image.people.append(Person(row.bbox, UNLABELLED, ignore=True))
        ways[way] += 1
    _report(tracks, ways, log)
    return ways


def _way(row: TrackBox, classes: TrackClasses, min_visibility: float) -> Way | None:
    if row.kind in classes.people:
        if not row.considered:
            return FLAGGED_OUT
        if row.visibility < min_visibility:
            reason = f'of people who are visible to less than {min_visibility:g}'
            return Way(_IGNORED, reason, 'lower --min-visibility')
        return None
    if row.kind in classes.ignored:
        return Way(_IGNORED, f'of class {classes.describe(row.kind)}')
    wanted = ' and '.join(map(str, sorted(classes.people)))
    reason = f'of class {classes.describe(row.kind)}, and people are of class {wanted}'
    return Way(_LEFT_OUT, reason, f'use --person-class {row.kind} if these are people')


def _person(
    row: TrackBox,
    image: Image,
    identify: Callable[[int], int],
    visit_of: Callable[[TrackBox], int | None],
) -> Person:
    if row.track < 0:
        return Person(row.bbox)
    person_id = identify(row.track)
    if any(person_id == other.person_id for other in image.people):
        return Person(row.bbox)
    return Person(row.bbox, person_id, visit=visit_of(row))


def _report(tracks: TrackFile, ways: Counter[Way | None], log: ConversionLog) -> None:
    for way, number in ways.items():
        if way not in (None, ABSENT):
            log.count(f'{way.action} rows that are {way.reason}', str(tracks.path), number)
    if ways[ABSENT]:
        log.warn(f'{tracks.path} has {ways[ABSENT]} boxes in frames that have no image: left out')
