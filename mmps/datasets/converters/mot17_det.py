"""MOT17Det, or MOT17 whose three copies of every sequence hold the same images.

Pedestrians are rows of class 1 with flag 1; people on vehicles, standing people, distractors and
reflections become ignore regions; other rows are not people. Boxes stay unchanged, even outside
the image. A track is an identity, a sequence a camera.
"""

from __future__ import annotations

import re
from pathlib import Path

from mmps.structures import DataError

from .frames import find_frames
from .log import ConversionLog
from .motchallenge import check_share, place_people
from .records import Image, Parsed, Split
from .sizes import Progress, no_progress
from .track_files import read_tracks

NAME = 'MOT17Det'
OFFICIAL_COUNTS = {'train': {'images': 5316, 'boxes': 112297}}

_USUAL = ('MOT17Det', 'MOT17', 'MOT17Labels')
_SEQUENCE = re.compile(r'MOT17-(\d+)(-[A-Z]+)?')


def parse(
    root: Path,
    log: ConversionLog,
    progress: Progress = no_progress,
    min_visibility: float = 0.0,
) -> Parsed:
    """Read the ground truth of every sequence that has one.

    Args:
        root: Folder of the data set, or one that holds it under a usual name; it has ``train/``
            with the sequences in it, or the sequences themselves.
        log: Receives dropped boxes.
        progress: Displays progress.
        min_visibility: Visible share, 0..1, below which a pedestrian becomes an ignore region.

    Returns:
        The split ``train``.

    Raises:
        DataError: This is not the data set, a file of it cannot be read, or the visibility is
            not in 0..1.
    """
    check_share('min_visibility', min_visibility)
    root, sequences = _find_sequences(root, log)
    images: list[Image] = []
    identities: dict[tuple[int, int], int] = {}
    for folder in progress(sequences, len(sequences), 'reading sequences'):
        images += _read_sequence(root, folder, identities, min_visibility, log)
    return Parsed(root, [Split('train', images)], OFFICIAL_COUNTS)


def _find_sequences(given: Path, log: ConversionLog) -> tuple[Path, list[Path]]:
    if not given.is_dir():
        raise DataError(f'{given} is not a folder; name the folder of {NAME}')
    for root in (given, *(given / name for name in _USUAL)):
        for parent in (root / 'train', root):
            folders = sorted(parent.iterdir()) if parent.is_dir() else []
            folders = [f for f in folders if _SEQUENCE.fullmatch(f.name) and f.is_dir()]
            chosen = {_number(folder): folder for folder in reversed(folders)}
            if chosen:
                if len(chosen) < len(folders):
                    log.note('used one of the copies of each sequence', str(parent))
                return root, [chosen[number] for number in sorted(chosen)]
    raise DataError(
        f'{given} is not {NAME}: neither it nor its sub-folder {" or ".join(_USUAL)} '
        'holds train/MOT17-02 or any other sequence'
    )


def _number(folder: Path) -> int:
    return int(_SEQUENCE.fullmatch(folder.name)[1])


def _read_sequence(
    root: Path,
    folder: Path,
    identities: dict[tuple[int, int], int],
    min_visibility: float,
    log: ConversionLog,
) -> list[Image]:
    number = _number(folder)
    prefix = folder.relative_to(root).as_posix()
    images = {
        frame: Image(f'{prefix}/{name}', camera_id=number)
        for frame, name in find_frames(folder, log).items()
    }

    def identify(track: int) -> int:
        return identities.setdefault((number, track), len(identities))

    tracks = read_tracks(folder / 'gt/gt.txt', log, truth=True)
    place_people(tracks, images, identify, min_visibility, log)
    return list(images.values())
