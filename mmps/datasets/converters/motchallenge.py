"""Sequences in MOTChallenge's format: pictures in ``img1``, boxes of tracks in ``gt/gt.txt``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mmps.structures import DataError

from .boxes import is_usable
from .log import ConversionLog
from .records import Box
from .textfiles import numbers, read_lines, whole

_PICTURES = ('.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class TrackBox:
    """One row of a track file.

    Args:
        frame: Number of the frame, from 1.
        track: Number of the track.
        bbox: xywh in the numbers of the file.
        considered: Whether the flag of the row is not 0.
        kind: Class of the row, 1 for pedestrians.
        visibility: Share of the person that shows, 0..1.
    """

    frame: int
    track: int
    bbox: Box
    considered: bool
    kind: int
    visibility: float


def check_share(name: str, value: float) -> None:
    """Check a setting that is a share of something.

    Args:
        name: Of the setting.
        value: Its value.

    Raises:
        DataError: It is not in 0..1.
    """
    if not 0 <= value <= 1:
        raise DataError(f'{name} must be in 0..1, not {value}')


def read_tracks(path: Path, log: ConversionLog) -> list[TrackBox]:
    """Read a track file: 9 columns of ground truth, or 7 or 10 columns of a tracker.

    Args:
        path: The file.
        log: Where dropped boxes go.

    Returns:
        Its rows, in order; a tracker's rows all count as visible pedestrians.

    Raises:
        DataError: If the file is missing or has other columns.
    """
    rows = []
    for where, line in read_lines(path):
        words = [word.strip() for word in line.split(',')]
        if len(words) not in (7, 9, 10):
            raise DataError(
                f'{where} has {len(words)} columns; expected are frame, track, left, top, width, '
                'height, flag, class and visibility, or the 7 or 10 columns of a tracker'
            )
        values = numbers(words, where)
        frame, track = whole(values[0], where), whole(values[1], where)
        bbox = tuple(values[2:6])
        considered, kind, visibility = True, 1, 1.0
        if len(words) == 9:
            considered, kind = values[6] != 0, whole(values[7], where)
            visibility = values[8]
        if is_usable(bbox, where, log):
            rows.append(TrackBox(frame, track, bbox, considered, kind, visibility))
    return rows


def find_frames(folder: Path, log: ConversionLog) -> dict[int, str]:
    """Find the pictures of a sequence; ``seqinfo.ini`` is not trusted, its length can be wrong.

    Args:
        folder: Folder of the sequence.
        log: Where pictures go whose names are not numbers.

    Returns:
        Path of each picture relative to the sequence, by frame number, in order.

    Raises:
        DataError: If there is no picture.
    """
    frames = {}
    pictures = folder / 'img1'
    for path in sorted(pictures.iterdir()) if pictures.is_dir() else ():
        if path.suffix.lower() not in _PICTURES:
            continue
        if not re.fullmatch(r'[0-9]{1,9}', path.stem):
            log.note('left out a picture whose name is not a frame number', str(path))
            continue
        frames[int(path.stem)] = f'img1/{path.name}'
    if not frames:
        raise DataError(f'{folder}/img1 holds no pictures such as 000001.jpg; unpack it again')
    return dict(sorted(frames.items()))
