"""Reading single frames of a source again, such as those of hits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmps.images import read_image
from mmps.structures import DataError

from ..rows import STILL
from .frame_folders import read_folder_frames
from .listing import is_video

BACK = (0.0, 1.0, 2.0, 4.0, 16.0)
"""Seconds before a frame at which a seek is tried: with B-frames a seek may land behind it."""

CLOSE = 2e-3
"""Seconds by which the time of the right frame may differ from the stored one."""


def read_again(path: str, wanted: Mapping[int, float]) -> Iterator[tuple[int, np.ndarray]]:
    """Read frames whose numbers and times are known.

    With PyAV (``pip install 'mmps[video]'``) the file is opened at each frame, otherwise read from
    its beginning to the last of them, since OpenCV's seeks miss frames.

    Args:
        path: An image or a video.
        wanted: Seconds since the video's beginning, by the number of the frame; ``STILL`` and any
            time for an image.

    Returns:
        Pairs of number and ``(H, W, 3)`` uint8 BGR, by rising number.

    Raises:
        DataError: The file is missing or cannot be read, or is shorter than it was.
    """
    if not is_video(path):
        yield STILL, read_image(Path(path))
        return
    if os.path.isdir(path):
        yield from _of_folder(path, wanted)
        return
    if not Path(path).is_file():
        raise DataError(f'{path} does not exist any more')
    try:
        import av
    except ImportError:
        yield from _from_the_beginning(path, wanted)
        return
    try:
        with av.open(path) as container:
            container.streams.video[0].thread_type = 'AUTO'
            for number, time in sorted(wanted.items()):
                yield number, _sought(container, path, time)
    except (av.error.FFmpegError, IndexError, DataError):
        # Such as streams without times; reading on from the start finds their frames.
        yield from _from_the_beginning(path, wanted)


def _of_folder(path: str, wanted: Mapping[int, float]) -> Iterator[tuple[int, np.ndarray]]:
    for number, image in read_folder_frames(path, sorted(wanted)):
        if isinstance(image, DataError):
            raise image
        yield number, image


def _sought(container: Any, path: str, time: float) -> np.ndarray:
    stream = container.streams.video[0]
    first = float((stream.start_time or 0) * stream.time_base)
    for back in BACK:
        target = max(first + time - back, first)
        container.seek(round(target / stream.time_base), stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.time is None or frame.time > first + time + CLOSE:
                break  # landed behind it
            if frame.time >= first + time - CLOSE:
                return _turned(frame)
    raise DataError(f'{path} has no frame at {time:.3f} s any more')


def _turned(frame: Any) -> np.ndarray:
    pixels = frame.to_ndarray(format='bgr24')
    return np.ascontiguousarray(np.rot90(pixels, k=round(getattr(frame, 'rotation', 0) / 90)))


def _from_the_beginning(path: str, wanted: Mapping[int, float]) -> Iterator[tuple[int, np.ndarray]]:
    import cv2

    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    try:
        for number in range(max(wanted) + 1):
            if not capture.grab():
                raise DataError(f'{path} has only {number} frames any more')
            if number in wanted:
                whole, image = capture.retrieve()
                if not whole:
                    raise DataError(f'{path}: frame {number} cannot be decoded')
                yield number, image
    finally:
        capture.release()
