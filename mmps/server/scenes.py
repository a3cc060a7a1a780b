"""Scenes and crops of a gallery's people as JPEG files of asked sizes."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from mmps.gallery import Progress
from mmps.gallery.scenes import scenes_of
from mmps.gallery.sources.unchanged import check_unchanged
from mmps.gallery.streams import is_stream
from mmps.structures import DataError
from mmps.visualization.contact_sheet import BOX, crop_of, with_boxes

QUALITY = 88

Place = tuple[str, int | str | None]
"""Source, and frame or, of streams, person."""


class Scenes:
    """Reads the scenes of people again, and keeps those that were read last.

    Nothing is read but sources that a gallery names, and those only while they are what was
    indexed.

    Args:
        max_bytes: Memory for what is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._kept: OrderedDict[Place, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._compared: set[tuple[str, int, int]] = set()
        self._lock = Lock()

    def __call__(
        self,
        person: Mapping[str, Any],
        states: Mapping[str, Progress],
        crops: Sequence[Path] = (),
    ) -> np.ndarray:
        """Read the scene of a person.

        Args:
            person: As :func:`mmps.gallery.exporting.describe` returns it.
            states: Of the gallery's sources.
            crops: Folders of crops that were kept of streams.

        Returns:
            ``(H, W, 3)`` uint8 BGR.

        Raises:
            DataError: The file is gone or was replaced.
        """
        place = (person['source'], person['frame'])
        if is_stream(place[0]):  # each crop is a scene of its own
            place = (place[0], person['id'])
        if place[0] not in states:
            raise DataError(f'{place[0]} is no source of the gallery any more')
        if not is_stream(place[0]):
            check_unchanged(states[place[0]], self._compared)
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        (scene,), problems = scenes_of([person], states, crops)
        if scene is None:
            raise DataError(problems[0] if problems else f'{place[0]} cannot be read any more')
        self._keep(place, scene)
        return scene

    def _keep(self, place: Place, scene: np.ndarray) -> None:
        with self._lock:
            if place in self._kept or scene.nbytes > self.max_bytes:
                return
            self._kept[place] = scene
            self._bytes += scene.nbytes
            while self._bytes > self.max_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes


def scene_file(scene: np.ndarray, width: int, box: Sequence[float] | None = None) -> bytes:
    """Encode a scene, no larger than it is.

    Args:
        scene: ``(H, W, 3)`` uint8 BGR.
        width: Of the file in pixels.
        box: Drawn, where it is given; xyxy in pixels of the scene.
    """
    height = scene.shape[0]
    scale = min(1.0, width / scene.shape[1])
    image = Image.fromarray(np.ascontiguousarray(scene[..., ::-1]))
    if scale < 1:
        size = (width, max(1, round(scale * height)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    if box is not None:  # drawn after the image is scaled, so that lines are as thick everywhere
        pixels = np.asarray(image)[..., ::-1]
        image = with_boxes(pixels, [[scale * float(v) for v in box]], [BOX])
    return _encoded(image)


def crop_file(scene: np.ndarray, box: Sequence[float], height: int) -> bytes:
    """Cut a person out and encode it, no larger than twice its size.

    Args:
        scene: ``(H, W, 3)`` uint8 BGR.
        box: Box as xyxy in its pixels.
        height: Of the file in pixels.
    """
    image = crop_of(scene, box)
    scale = min(2.0, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return _encoded(image.resize(size, Image.Resampling.LANCZOS))


def _encoded(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, 'JPEG', quality=QUALITY)
    return out.getvalue()
