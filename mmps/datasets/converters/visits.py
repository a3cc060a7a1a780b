"""Visits of persons, where a second track file has a number for each appearance."""

from __future__ import annotations

from pathlib import Path

from mmps.structures import DataError

from .log import ConversionLog
from .track_files import TrackBox, TrackFile, read_tracks


def read_visits(path: Path, persons: TrackFile, log: ConversionLog) -> dict[TrackBox, int]:
    """Read the visit of each box from a track file with the same boxes.

    Args:
        path: Track file in which a person who comes back has another number.
        persons: Track file in which a person has one number.
        log: Receives dropped boxes.

    Returns:
        The visit of each row of ``persons`` with a track.

    Raises:
        DataError: The file is missing, lacks a box, or gives a visit to two persons.
    """
    tracks = read_tracks(path, log, truth=True)
    numbers = {(row.frame, row.bbox): row.track for row in tracks.rows if row.track >= 0}
    owners: dict[int, int] = {}
    found = {}
    for row in persons.rows:
        if row.track < 0:
            continue
        visit = numbers.get((row.frame, row.bbox))
        if visit is None:
            raise DataError(
                f'{path} has no track with the box {row.bbox} of frame {row.frame} of '
                f'{persons.path}: both files must have the same boxes'
            )
        if owners.setdefault(visit, row.track) != row.track:
            raise DataError(
                f'{path}: track {visit} is of the persons {owners[visit]} and {row.track} of '
                f'{persons.path}, but a visit is of one person'
            )
        found[row] = visit
    return found
