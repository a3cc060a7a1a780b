"""Frames of a live stream: the newest one wins, and a broken connection is made again."""

from __future__ import annotations

import math
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from .addresses import is_camera, opened_by

PATIENCE = 10.0
"""Seconds without a frame after which a connection counts as broken."""

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between tries to connect again; the last one goes on for ever."""


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A frame of a stream.

    Attributes:
        image: ``(H, W, 3)`` uint8 BGR.
        number: Of the frame since the stream was opened first, from 0, dropped ones counted.
        time: When it arrived, in seconds since 1970.
    """

    image: np.ndarray
    number: int
    time: float


class Capture:
    """Reads a stream in a thread of its own and holds its newest frame.

    Used as a context manager. Frames are wanted every few seconds; one that is replaced by a newer
    one before it was taken is dropped and counted, so that nothing piles up where the model is
    slower than the camera.

    Args:
        address: Of the stream, or ``camera:0``.
        every: Seconds between wanted frames; 0 for all.
        pauses: Seconds between tries to connect again.

    Attributes:
        received: Frames that arrived.
        dropped: Wanted frames that were replaced by newer ones.
        breaks: How often the connection broke, or could not be made.
    """

    def __init__(self, address: str, every: float, pauses: tuple[float, ...] = PAUSES) -> None:
        self.address = address
        self.received = self.dropped = self.breaks = 0
        self._every, self._pauses = every, pauses
        self._newest: LiveFrame | None = None
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Capture:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopped.set()
        self._thread.join(timeout=PATIENCE)

    def take(self, patience: float = 0.0) -> LiveFrame | None:
        """Take the newest wanted frame, once.

        Args:
            patience: Seconds to wait for one.

        Returns:
            ``None`` where there is none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, timeout=patience)
            frame, self._newest = self._newest, None
            return frame

    def _work(self) -> None:
        failures, due = 0, -math.inf
        while not self._stopped.is_set():
            capture = _opened(self.address)
            while capture.isOpened() and not self._stopped.is_set() and capture.grab():
                failures, now = 0, time.time()
                number, self.received = self.received, self.received + 1
                if now < due:
                    continue
                whole, image = capture.retrieve()
                if whole:
                    due = (math.floor(now / self._every) + 1) * self._every if self._every else due
                    self._put(LiveFrame(image, number, now))
            capture.release()
            if not self._stopped.is_set():
                self.breaks += 1
                self._stopped.wait(self._pauses[min(failures, len(self._pauses) - 1)])
                failures += 1

    def _put(self, frame: LiveFrame) -> None:
        with self._changed:
            self.dropped += self._newest is not None
            self._newest = frame
            self._changed.notify_all()


def _opened(address: str) -> Any:
    import cv2

    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    opened = opened_by(address)
    if is_camera(address):
        return cv2.VideoCapture(opened)
    patience = int(1000 * PATIENCE)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, patience, cv2.CAP_PROP_READ_TIMEOUT_MSEC, patience]
    return cv2.VideoCapture(opened, cv2.CAP_FFMPEG, limits)
