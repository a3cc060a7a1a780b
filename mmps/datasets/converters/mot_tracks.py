"""A person search set from tracks: identities from track numbers, queries from their beginnings.

Reads any folder of sequences in MOTChallenge's format, with ground truth or a tracker's output.
Consecutive frames of a track look alike, so keep only every n-th frame. The first frame of a track
is its query; the later ones are to be found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mmps.structures import UNLABELLED, DataError

from .frames import find_frames, frame_shift
from .log import ConversionLog
from .motchallenge import Way, check_share, place_people
from .records import Image, Parsed, Person, Query, Split
from .sizes import Progress, no_progress
from .track_files import TrackBox, TrackFile, read_tracks
from .visits import read_visits

NAME = 'MOT tracks'


@dataclass(frozen=True)
class TrackRules:
    """How tracks become a person search set.

    Attributes:
        every: Keep every n-th frame.
        train_fraction: Share of each sequence, from its start, that becomes the training split.
        shared_ids: Whether a track number means the same person in every sequence; then each
            person is searched for once per sequence, otherwise once.
        min_visibility: Visible share, 0..1, below which a person becomes an ignore region.
        first_frame: The track files' number for the first image; by default the image's number.
        person_classes: Class numbers of people; empty: read from the track files.
        disjoint: Whether people of the test split are left unlabelled in the training split.
        visits: Path of the track file with one number per visit, from the sequence's folder or, for
            a single sequence, from anywhere; with it, the main file's tracks are persons.
        every_box: Whether every box of a person is a query, not the first alone.
    """

    every: int = 1
    train_fraction: float = 0.0
    shared_ids: bool = False
    min_visibility: float = 0.0
    first_frame: int | None = None
    person_classes: tuple[int, ...] = ()
    disjoint: bool = False
    visits: str | None = None
    every_box: bool = False

    def __post_init__(self) -> None:
        if self.every < 1:
            raise DataError(f'every n-th frame: n must be at least 1, not {self.every}')
        for name in ('train_fraction', 'min_visibility'):
            check_share(name, getattr(self, name))


@dataclass
class _Found:
    """What was found in all sequences so far.

    Attributes:
        identities: Identity of each track.
        ways: Number of rows by what became of them.
        empty: Track files without a usable row, and how many rows they have.
        visits: The first number of a visit that is above those of earlier sequences.
    """

    identities: dict[tuple, int] = field(default_factory=dict)
    ways: Counter[Way | None] = field(default_factory=Counter)
    empty: dict[Path, int] = field(default_factory=dict)
    visits: int = 0


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
        log: Receives dropped boxes.
        progress: Displays progress.
        rules: How tracks become a person search set.

    Returns:
        The split ``test`` with queries, and ``train`` if a share of the frames is for it.

    Raises:
        DataError: There is no sequence, a file is not a track file, its frames are counted
            differently from the images, or nobody can be searched for.
    """
    rules = rules or TrackRules()
    train, test = Split('train', []), Split('test', [])
    found = _Found()
    sequences = _find_sequences(root)
    for number, folder in enumerate(
        progress(sequences, len(sequences), 'reading sequences'), start=1
    ):
        images = _read_sequence(root, folder, number, found, rules, log)[:: rules.every]
        border = round(rules.train_fraction * len(images))
        train.images += images[:border]
        test.images += images[border:]
    test.queries = choose_queries(test.images, rules.every_box)
    if test.images and not test.queries:
        raise DataError(_nobody(root, found))
    _separate(train, test, rules, log)
    return Parsed(root, [split for split in (train, test) if split.images], {})


def choose_queries(images: list[Image], every_box: bool = False) -> list[Query]:
    """Search for every person once per camera and visit, at the first appearance.

    Args:
        images: Frames in order of camera and time.
        every_box: Search at every appearance instead.

    Returns:
        One query for each person, camera and visit, or for each box, if the person is in any other
        frame.
    """
    seen: Counter[int] = Counter()
    chosen: dict[tuple, Query] = {}
    for image in images:
        for person in image.people:
            if person.person_id != UNLABELLED:
                seen[person.person_id] += 1
                number, visit = person.person_id, person.visit
                query = Query(image.file_name, person.bbox, number, image.camera_id, visit)
                key = (image.file_name,) if every_box else (image.camera_id, visit)
                chosen.setdefault((number, *key), query)
    return [query for query in chosen.values() if seen[query.person_id] > 1]


def _find_sequences(root: Path) -> list[Path]:
    if not root.is_dir():
        raise DataError(f'{root} is not a folder; name a sequence or a folder of sequences')
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    found = [folder for folder in folders if (folder / 'img1').is_dir()]
    if not found:
        raise DataError(
            f'{root} holds no sequence: neither it nor a folder in it has images in img1'
        )
    return found


def _tracks_file(folder: Path, log: ConversionLog) -> Path:
    candidates = (
        folder / 'gt/gt.txt',
        folder / 'tracks.txt',
        folder.with_name(f'{folder.name}.txt'),
    )
    used, *others = [path for path in candidates if path.is_file()] or [None]
    if used is None:
        names = ', '.join(map(str, candidates))
        raise DataError(f'{folder} has no tracks: none of {names} is there')
    if others:
        log.warn(f'{used} is read, and {others[0]} is not: move away the one that you do not need')
    return used


def _read_sequence(
    root: Path,
    folder: Path,
    number: int,
    found: _Found,
    rules: TrackRules,
    log: ConversionLog,
) -> list[Image]:
    prefix = folder.relative_to(root).as_posix()
    names = find_frames(folder, log)
    path = _tracks_file(folder, log)
    tracks = read_tracks(path, log, path.parent.name == 'gt', rules.person_classes)
    shift = frame_shift(names, tracks, rules.first_frame, log)
    images = {
        frame - shift: Image(name if prefix == '.' else f'{prefix}/{name}', camera_id=number)
        for frame, name in names.items()
    }

    def identify(track: int) -> int:
        key = (track,) if rules.shared_ids else (number, track)
        return found.identities.setdefault(key, len(found.identities))

    visit_of = _visits_of(root, folder, tracks, found, rules, log)
    found.ways += place_people(tracks, images, identify, rules.min_visibility, log, visit_of)
    if not tracks.rows:
        found.empty[path] = tracks.unusable
        log.warn(f'{path} has no usable row: nobody is in the images of {folder}')
    return list(images.values())


def _visits_of(
    root: Path,
    folder: Path,
    tracks: TrackFile,
    found: _Found,
    rules: TrackRules,
    log: ConversionLog,
) -> Callable[[TrackBox], int | None]:
    """Return the visit of each row of a sequence; numbers follow those of earlier sequences."""
    if rules.visits is None:
        return lambda row: None
    path = folder / rules.visits
    if folder == root and not path.is_file():
        path = Path(rules.visits)
    numbers, first = read_visits(path, tracks, log), found.visits
    found.visits = first + max(numbers.values(), default=-1) + 1
    return lambda row: first + numbers[row]


def _nobody(root: Path, found: _Found) -> str:
    ways, total = found.ways, found.ways.total()
    if ways[None]:
        return (
            f'{root} leaves nobody who is in two test frames, so nobody can be searched for; '
            'keep more frames'
        )
    if not total:
        path, unusable = max(found.empty.items(), key=lambda item: item[1])
        reason = 'is it empty because the tracker failed?'
        if unusable:
            reason = f'the boxes of its {unusable} rows are not finite, absurd or without area'
        return f'{path} has no usable row, so nobody can be searched for: {reason}'
    parts = [
        f'{"all " if number == total else ""}{number} rows are {way.reason}'
        for way, number in ways.most_common()
    ]
    cures = dict.fromkeys(way.cure for way, _ in ways.most_common() if way.cure)
    return f'{root} has nobody to search for: {"; ".join([", ".join(parts), *cures])}'


def _separate(train: Split, test: Split, rules: TrackRules, log: ConversionLog) -> None:
    """Report the people who are in both splits, or remove their identity from training."""
    tested = _identities(test)
    both = tested & _identities(train)
    if not both:
        return
    if not rules.disjoint:
        log.remark(
            f'{len(both)} of {len(tested)} people of test.json are in train.json too, because '
            'sequences are cut in time: results of a model that is trained on it are not results '
            'on unseen people (--disjoint leaves them unlabelled in train.json)'
        )
        return
    for image in train.images:
        image.people = [
            Person(person.bbox) if person.person_id in both else person for person in image.people
        ]
    log.remark(f'{len(both)} people of test.json are left unlabelled in train.json')


def _identities(split: Split) -> set[int]:
    people = (person for image in split.images for person in image.people)
    return {person.person_id for person in people} - {UNLABELLED}
