"""Crops of people whose scene cannot be read again, because it came from a stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmps.files import write_atomically
from mmps.images import read_image
from mmps.structures import DataError

from ..base import Gallery, Progress
from ..rows import Where

NOTE = 'crops'
"""Under which a gallery notes where crops lie."""

QUALITY = 90


def crop_folders(gallery: Gallery) -> list[Path]:
    """List the folders in which crops of a gallery's people lie.

    Args:
        gallery: Opened.
    """
    return [Path(folder) for folder in gallery.notes().get(NOTE, {}).get('folders', [])]


class CropFolder:
    """A folder of crops, one file for each person, named by the public id.

    Args:
        folder: Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def announce(self, gallery: Gallery) -> None:
        """Note in a gallery where the crops lie.

        Args:
            gallery: Opened for writing.
        """
        folders = [str(path) for path in crop_folders(gallery)]
        if str(self.folder) not in folders:
            gallery.set_note(NOTE, {'folders': [*folders, str(self.folder)]})

    def keep(self, image: np.ndarray, box: np.ndarray, public: int) -> None:
        """Write the crop of a person.

        Args:
            image: ``(H, W, 3)`` uint8 BGR, the scene.
            box: ``(4,)`` xyxy in its pixels.
            public: Id of the person.
        """
        import cv2

        x1, y1, x2, y2 = window(box, image.shape[1], image.shape[0])
        crop = image[y1:y2, x1:x2]
        _, data = cv2.imencode('.jpg', crop, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        write_atomically(_path(self.folder, public), data.tobytes())

    def remove(self, ids: Iterable[int]) -> None:
        """Remove the crops of people, where there are any.

        Args:
            ids: Public ids.
        """
        for public in ids:
            _path(self.folder, public).unlink(missing_ok=True)


def window(box: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Round a box to pixels of an image, at least one in each direction.

    Args:
        box: Box as xyxy.
        width: Of the image.
        height: Of the image.
    """
    x1, y1 = (int(np.clip(v, 0, m - 1)) for v, m in zip(box[:2], (width, height), strict=True))
    x2, y2 = (int(np.clip(np.ceil(v), 1, m)) for v, m in zip(box[2:], (width, height), strict=True))
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def scene_from_crop(
    hit: Mapping[str, Any], state: Progress | None, folders: list[Path]
) -> np.ndarray | None:
    """Put the crop of a person where it was in an otherwise grey scene.

    Args:
        hit: As :func:`mmps.gallery.exporting.describe` returns it.
        state: Of its source.
        folders: In which crops may lie.

    Returns:
        ``(H, W, 3)`` uint8 BGR, or ``None`` where no crop was kept.
    """
    if state is None or not state.width:
        return None
    for folder in folders:
        path = _path(folder, int(hit['id']))
        if path.is_file():
            try:
                crop = read_image(path)
            except DataError:
                continue
            scene = np.full((state.height, state.width, 3), 200, np.uint8)
            x1, y1, x2, y2 = window(hit['box'], state.width, state.height)
            part = scene[y1:y2, x1:x2]
            height, width = (min(a, b) for a, b in zip(part.shape, crop.shape[:2], strict=False))
            part[:height, :width] = crop[:height, :width]
            return scene
    return None


def _path(folder: Path, public: int) -> Path:
    # Folders of some thousand files at most.
    return folder / f'{public % 1000:03}' / f'{public}.jpg'


def remove_crops(gallery: Gallery, where: Where) -> None:
    """Remove the crops that were kept of people who are going to be removed.

    Args:
        gallery: Opened.
        where: Who is removed.
    """
    folders = [CropFolder(folder) for folder in crop_folders(gallery)]
    for rows in gallery.rows(where) if folders else ():
        for folder in folders:
            folder.remove(rows.ids.tolist())
