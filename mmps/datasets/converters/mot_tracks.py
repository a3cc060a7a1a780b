"""A person search set from tracks: identities from track numbers, queries from their beginnings.

Any folder of sequences in MOTChallenge's format, with ground truth or with a tracker's output.
Frames of a track that follow each other look alike, so keep every n-th frame only; the first
frame of a track is its query and everything after is to be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmps.structures import UNLABELLED, DataError

from .log import ConversionLog
from .motchallenge import TrackBox, check_share, find_frames, read_tracks
from .pictures import Progress, no_progress
from .records import Image, Parsed, Person, Query, Split

NAME = 'MOT tracks'

_PEDESTRIAN = 1


@dataclass(frozen=True)
class TrackRules:
    """How tracks become a person search set.

    Args:
        every: Keep every n-th frame.
        train_fraction: Share of each sequence, from its start, that becomes the training split.
        shared_ids: Whether a track number means the same person in every sequence; then each
            person is searched for once per sequence, otherwise once.
        min_visibility: Boxes of people of whom less shows are ignore regions, 0..1.
    """

    every: int = 1
    train_fraction: float = 0.0
    shared_ids: bool = False
    min_visibility: float = 0.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise DataError(f'every n-th frame: n must be at least 1, not {self.every}')
        for name in ('train_fraction', 'min_visibility'):
            check_share(name, getattr(self, name))


def parse(
    root: Path,
    log: ConversionLog,
    progress: Progress = no_progress,
    rules: TrackRules | None = None,
) -> Parsed:
    """Read every sequence.

    Args:
        root: A sequence, or the folder of several: each has ``img1/`` and ``gt/gt.txt``, or a
            tracker's output as ``<sequence>.txt`` beside the folder or ``tracks.txt`` in it.
        log: Where dropped boxes go.
        progress: Shows how far it is.
        rules: How tracks become a person search set.

    Returns:
        The split ``test`` with queries, and ``train`` if a share of the frames is for it.

    Raises:
        DataError: If there is no sequence, or nobody can be searched for.
    """
    rules = rules or TrackRules()
    train, test = Split('train', []), Split('test', [])
    identities: dict[tuple, int] = {}
    sequences = _find_sequences(root)
    for number, folder in enumerate(
        progress(sequences, len(sequences), 'reading sequences'), start=1
    ):
        images = _read_sequence(root, folder, number, identities, rules, log)[:: rules.every]
        border = round(rules.train_fraction * len(images))
        train.images += images[:border]
        test.images += images[border:]
    test.queries = choose_queries(test.images)
    if test.images and not test.queries:
        raise DataError(
            f'{root} leaves nobody who is in two test frames, so nobody can be searched for; '
            'keep more frames'
        )
    return Parsed(root, [split for split in (train, test) if split.images], {})


def choose_queries(images: list[Image]) -> list[Query]:
    """Search for every person once per camera, at the first appearance.

    Args:
        images: Frames in order of camera and time.

    Returns:
        One query for each person and camera, if the person is in any other frame.
    """
    seen: dict[int, int] = {}
    first: dict[tuple[int, int | None], Query] = {}
    for image in images:
        for person in image.people:
            if person.person_id != UNLABELLED:
                seen[person.person_id] = seen.get(person.person_id, 0) + 1
                query = Query(image.file_name, person.bbox, person.person_id, image.camera_id)
                first.setdefault((person.person_id, image.camera_id), query)
    return [query for query in first.values() if seen[query.person_id] > 1]


def _find_sequences(root: Path) -> list[Path]:
    if not root.is_dir():
        raise DataError(f'{root} is not a folder; name a sequence or a folder of sequences')
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    found = [folder for folder in folders if (folder / 'img1').is_dir()]
    if not found:
        raise DataError(
            f'{root} holds no sequence: neither it nor a folder in it has pictures in img1'
        )
    return found


def _tracks_file(folder: Path) -> Path:
    candidates = (
        folder / 'gt/gt.txt',
        folder / 'tracks.txt',
        folder.with_name(f'{folder.name}.txt'),
    )
    for path in candidates:
        if path.is_file():
            return path
    raise DataError(f'{folder} has no tracks: none of {", ".join(map(str, candidates))} is there')


def _read_sequence(
    root: Path,
    folder: Path,
    number: int,
    identities: dict[tuple, int],
    rules: TrackRules,
    log: ConversionLog,
) -> list[Image]:
    prefix = folder.relative_to(root).as_posix()
    images = {
        frame: Image(name if prefix == '.' else f'{prefix}/{name}', camera_id=number)
        for frame, name in find_frames(folder, log).items()
    }
    path, absent = _tracks_file(folder), 0
    for row in read_tracks(path, log):
        if row.kind != _PEDESTRIAN or not row.considered:
            continue
        if row.frame not in images:
            absent += 1
            continue
        image = images[row.frame]
        person = _person(row, number, identities, rules)
        if person.person_id != UNLABELLED and any(
            person.person_id == other.person_id for other in image.people
        ):
            log.note(
                'left a second box of one track in a frame unlabelled', f'{path}, frame {row.frame}'
            )
            person = Person(row.bbox)
        image.people.append(person)
    if absent:
        log.warn(f'{path} has {absent} boxes in frames that have no picture: left out')
    return list(images.values())


def _person(row: TrackBox, number: int, identities: dict[tuple, int], rules: TrackRules) -> Person:
    if row.visibility < rules.min_visibility:
        return Person(row.bbox, UNLABELLED, ignore=True)
    if row.track < 0:
        return Person(row.bbox)
    key = (row.track,) if rules.shared_ids else (number, row.track)
    return Person(row.bbox, identities.setdefault(key, len(identities)))
