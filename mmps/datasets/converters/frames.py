"""Frame numbers in MOTChallenge's layout: those of images, and their offset to those of tracks."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from mmps.images import image_suffixes
from mmps.structures import DataError

from .log import ConversionLog
from .track_files import TrackFile

_NUMBERED = re.compile(r'(.*?)([0-9]{1,9})')


def find_frames(folder: Path, log: ConversionLog) -> dict[int, str]:
    """Find the images of a sequence; ``seqinfo.ini`` is not used, because its length can be wrong.

    Names are frame numbers (``000001.jpg``), or a common prefix followed by them
    (``frame_000001.png``).

    Args:
        folder: Folder of the sequence, with the images in ``img1``.
        log: Receives images whose names contain no frame number.

    Returns:
        Path of each image relative to the sequence, by frame number, in order.

    Raises:
        DataError: There is no image, or the names do not determine the frames.
    """
    images = folder / 'img1'
    files = sorted(path for path in images.iterdir() if path.is_file()) if images.is_dir() else []
    named = [path for path in files if path.suffix.lower() in image_suffixes()]
    if not named:
        raise DataError(_no_image(images, files))
    beginning = _beginning(images, named)
    frames: dict[int, list[Path]] = {}
    for path in named:
        found = _NUMBERED.fullmatch(path.stem)
        if found is None or found[1] != beginning:
            log.note('left out an image whose name is not a frame number', str(path))
        else:
            frames.setdefault(int(found[2]), []).append(path)
    _report_repeats(images, frames, log)
    return {number: f'img1/{frames[number][0].name}' for number in sorted(frames)}


def frame_shift(
    frames: Collection[int], tracks: TrackFile, first: int | None, log: ConversionLog
) -> int:
    """Determine the offset between the frame numbers of a track file and of the images.

    Args:
        frames: Frame numbers of the images.
        tracks: The track file.
        first: The track file's number for the first image, if it is known.
        log: Receives a warning if the offset is uncertain.

    Returns:
        The number to add to the frame numbers of the track file.

    Raises:
        DataError: One of them counts from 0 and the other from 1.
    """
    if first is not None:
        return min(frames) - first
    numbers = {row.frame for row in tracks.rows} or {min(frames)}
    ranges = (
        f'{tracks.path} has rows of frames {min(numbers)} to {max(numbers)}, and the images are '
        f'{min(frames)} to {max(frames)}'
    )
    if min(frames) == 1 and 0 in numbers:
        raise DataError(
            f'{ranges}: use --first-frame 0 if row 0 belongs to image 1, --first-frame 1 if the '
            'image of frame 0 is missing'
        )
    if min(frames) == 0 and min(numbers) == 1:
        doubt = f'{ranges}: use --first-frame 1 if row 1 belongs to image 0, otherwise 0'
        if max(numbers) > max(frames):
            raise DataError(doubt)
        log.warn(doubt)
    return 0


def _beginning(images: Path, named: list[Path]) -> str:
    found = [match for path in named if (match := _NUMBERED.fullmatch(path.stem))]
    beginnings = sorted({match[1] for match in found})
    if '' in beginnings:
        return ''
    if len(beginnings) == 1:
        return beginnings[0]
    if not beginnings:
        raise DataError(
            f'none of the {len(named)} images of {images} is named by a frame number, such as '
            f'{named[0].name}: name them 000001.jpg and so on, in order'
        )
    raise DataError(
        f'the images of {images} are named in {len(beginnings)} ways, such as '
        f'{beginnings[0]}... and {beginnings[1]}..., so their frame numbers are unknown: name '
        'them 000001.jpg and so on'
    )


def _no_image(images: Path, files: list[Path]) -> str:
    if files:
        return (
            f'none of the {len(files)} files of {images} ends as an image does, such as '
            f'{files[0].name}: convert them to JPEG or PNG'
        )
    return f'{images} holds no images such as 000001.jpg; unpack it again'


def _report_repeats(images: Path, frames: dict[int, list[Path]], log: ConversionLog) -> None:
    repeated = [paths for paths in frames.values() if len(paths) > 1]
    for used, *others in repeated:
        for path in others:
            log.note('left out a second image of a frame', str(path), f'{used.name} is used')
    if repeated:
        used, other = repeated[0][:2]
        log.warn(
            f'{images} holds more than one image of a frame ({len(repeated)} times), such as '
            f'{used.name}, which is used, and {other.name}, which is not: move the others away'
        )
