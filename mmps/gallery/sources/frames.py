"""Images and videos as frames with their times."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from mmps.images import read_image
from mmps.structures import DataError

from ..rows import STILL
from .frame_folders import frame_files, read_folder_frames
from .listing import RAW, is_video

SLACK = 1e-3
"""Seconds by which a frame may come before its turn: containers round times."""
ERRORS_ONLY = 2  # of the levels of OpenCV's log


@dataclass(frozen=True, eq=False)
class Frame:
    """One image, or one frame of a video.

    Attributes:
        image: ``(H, W, 3)`` uint8 BGR, after the rotation that the file asks for.
        number: Of the frame in its video, from 0; ``STILL`` for an image.
        time: Seconds since 1970, or since the video's beginning, as ``origin`` of its source says;
            NaN where unknown.
    """

    image: np.ndarray
    number: int
    time: float


@dataclass(frozen=True)
class Sampling:
    """Which frames of a video are wanted, and when it began.

    Attributes:
        every: Seconds between frames; 0 for all of them.
        start: Time of the first frame in seconds since 1970, or ``None`` to count from 0.
        rate: Frames a second of folders whose images are the frames of one video.
    """

    every: float = 1.0
    start: float | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.every) and self.every >= 0):
            raise DataError(f'every={self.every} must be 0 or more seconds')
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise DataError(f'a rate of {self.rate} frames a second must be above 0')


def read_frames(
    path: str, sampling: Sampling, after: int = -1, note: Callable[[str], object] = warnings.warn
) -> Iterator[Frame]:
    """Read an image, or the wanted frames of a video in their order.

    Args:
        path: The file, or a folder whose images are the frames of one video.
        sampling: Which frames of a video are wanted.
        after: The last frame that is known already; later ones follow.
        note: Called with a sentence about what is doubtful but no error.

    Raises:
        DataError: The file is missing, empty, no image or video, or cut short.
    """
    if os.path.isdir(path):
        yield from _folder_frames(path, sampling, after, note)
        return
    if is_video(path):
        yield from _video_frames(path, sampling, after, note)
        return
    time = sampling.start if sampling.start is not None else capture_time(path)
    yield Frame(read_image(Path(path)), STILL, math.nan if time is None else time)


def time_origin(path: str, sampling: Sampling) -> str:
    """Return where the times of a source come from.

    Args:
        path: The file.
        sampling: As for :func:`read_frames`.

    Returns:
        ``start`` (was given), ``exif``, ``video`` (counted from its own beginning), or ``unknown``.
    """
    if sampling.start is not None:
        return 'start'
    if is_video(path):
        return 'video'
    return 'unknown' if capture_time(path) is None else 'exif'


def capture_time(path: str) -> float | None:
    """Read when a photograph was taken, in seconds since 1970.

    EXIF's times are those of the place; without an offset they are taken as this machine's zone.

    Args:
        path: Of the image.

    Returns:
        ``None`` where the file says nothing.
    """
    try:
        with Image.open(path) as image:
            exif = image.getexif()
            details = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # whatever a broken header raises; whether it is an image is found elsewhere
        return None
    tags = ExifTags.Base
    text = details.get(tags.DateTimeOriginal) or exif.get(tags.DateTime)
    offset = details.get(tags.OffsetTimeOriginal) or details.get(tags.OffsetTime) or ''
    try:
        moment = datetime.strptime(str(text).strip('\0 '), '%Y:%m:%d %H:%M:%S')
        zone = datetime.strptime(offset.strip('\0 '), '%z').tzinfo if offset.strip('\0 ') else None
        fraction = float(f'0.{str(details.get(tags.SubsecTimeOriginal) or 0).strip()}')
        return moment.replace(tzinfo=zone).timestamp() + fraction
    except (ValueError, OverflowError, OSError):
        return None


def _folder_frames(
    path: str, sampling: Sampling, after: int, note: Callable[[str], object]
) -> Iterator[Frame]:
    if sampling.rate is None:
        raise DataError(f'{path} is a folder: the rate of its frames must be given')
    due, wanted = [], -math.inf
    for number in range(len(frame_files(path))):
        if number / sampling.rate >= wanted - SLACK:
            wanted = _next_due(number / sampling.rate, sampling.every)
            due += [number] if number > after else []
    for number, image in read_folder_frames(path, due):
        if isinstance(image, DataError):
            note(str(image))
        else:
            yield Frame(image, number, (sampling.start or 0.0) + number / sampling.rate)


def _video_frames(
    path: str, sampling: Sampling, after: int, note: Callable[[str], object]
) -> Iterator[Frame]:
    capture, rate = _opened(path)
    own = Path(path).suffix.lower() not in RAW
    if not own:
        note(f'{path} carries no times: they are counted by its rate of {rate:g} frames a second')
    start = sampling.start or 0.0
    wanted, number, time = -math.inf, 0, 0.0
    try:
        while capture.grab():
            # The container's presentation time; index / rate would be wrong where rates vary.
            time = max(_position(capture), time) if own else number / rate
            if time >= wanted - SLACK:
                # Frames are due on a grid, so that one that comes late does not delay the others.
                wanted = _next_due(time, sampling.every)
                if number > after:
                    yield Frame(_retrieved(capture, path, number), number, start + time)
            number += 1
        _check_end(capture, path, number, note)
    finally:
        capture.release()


def _next_due(time: float, every: float) -> float:
    return (math.floor((time + SLACK) / every) + 1) * every if every else -math.inf


def _opened(path: str) -> tuple:
    import cv2

    file = Path(path)
    if not file.is_file():
        raise DataError(f'{path} does not exist')
    if file.stat().st_size == 0:
        raise DataError(f'{path} is empty')
    # FFmpeg alone: other readers of OpenCV take a name for a pattern of image files. What it and
    # OpenCV print of a broken file is left to our own sentence.
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    log = getattr(cv2.utils, 'logging', cv2)  # of OpenCV 5, and of OpenCV 4
    level = log.setLogLevel(ERRORS_ONLY)
    try:
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    finally:
        log.setLogLevel(level)
    if not capture.isOpened():
        capture.release()
        raise DataError(f'{path} is no readable video, or cut short: record or copy it again')
    rate = capture.get(cv2.CAP_PROP_FPS)
    return capture, rate if math.isfinite(rate) and rate > 0 else 25.0


def _position(capture: object) -> float:
    import cv2

    return capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _retrieved(capture: object, path: str, number: int) -> np.ndarray:
    whole, image = capture.retrieve()
    if not whole:
        raise DataError(f'{path}: frame {number} cannot be decoded; the frames before it are kept')
    return image


def _check_end(capture: object, path: str, number: int, note: Callable[[str], object]) -> None:
    import cv2

    promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    if number == 0:
        raise DataError(f'{path} has no readable frame: record or copy it again')
    # Containers without an index only estimate their number of frames.
    if Path(path).suffix.lower() in {'.mp4', '.m4v', '.mov'} and number < 0.9 * promised:
        note(
            f'{path} ends after {number} of {promised:.0f} frames: it is cut short; what was read '
            'is kept'
        )
