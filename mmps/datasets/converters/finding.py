"""Find images by file name, for data sets whose annotations omit the folders."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmps.images import image_suffixes

from .log import ConversionLog


def find_images(root: Path) -> dict[str, list[str]]:
    """List all images below a folder.

    Args:
        root: Folder to search, at any depth.

    Returns:
        Paths relative to the root, with forward slashes, by file name.
    """
    found: dict[str, list[str]] = {}
    for folder, below, names in os.walk(root):
        below.sort()
        prefix = Path(folder).relative_to(root)
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in image_suffixes():
                found.setdefault(name, []).append((prefix / name).as_posix())
    return found


class ImageFinder:
    """Finds the images of one split, and records the names that several images share.

    Copies of the set, or of smaller images, may be anywhere below the root. Of images with one
    name, the one in a folder named after the split is used, such as ``train/`` or
    ``CrowdHuman_train01/``; if there are several, the one with the fewest folders.

    Args:
        found: The result of :func:`find_images`.
        split: Name of the split.
    """

    def __init__(self, found: dict[str, list[str]], split: str) -> None:
        self.found = found
        self.split = split
        self.several: dict[str, list[str]] = {}

    def locate(self, name: str, missing: str) -> str:
        """Find an image.

        Args:
            name: File name of the image.
            missing: Returned if the image does not exist.

        Returns:
            Its path relative to the root.
        """
        paths = sorted(self.found.get(name, ()), key=self._distance)
        if len(paths) > 1:
            self.several[name] = paths
        return paths[0] if paths else missing

    def report(self, log: ConversionLog) -> None:
        """Report file names that several images share.

        Args:
            log: Receives the report.

        Raises:
            DataError: There are such names, and the log is strict.
        """
        for name, paths in self.several.items():
            log.note('used one of several images with one name', name, ', '.join(paths))
        for taken, other, *_ in list(self.several.values())[:1]:
            log.warn(
                f'{len(self.several)} images of {self.split!r} are there more than once, such as '
                f'{taken}, which is used, and {other}: move the copies out of the folder'
            )

    def _distance(self, path: str) -> tuple[bool, int, str]:
        folders = path.split('/')[:-1]
        own = any(self.split in re.split('[^a-z]+', folder.lower()) for folder in folders)
        return (not own, len(folders), path)
