"""Pictures of sets whose annotations name files without folders."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmps.images import image_suffixes

from .log import ConversionLog


def find_pictures(root: Path) -> dict[str, list[str]]:
    """List all pictures below a folder.

    Args:
        root: Folder to look in, at any depth.

    Returns:
        By file name, the paths relative to the root, with forward slashes.
    """
    found: dict[str, list[str]] = {}
    for folder, below, names in os.walk(root):
        below.sort()
        prefix = Path(folder).relative_to(root)
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in image_suffixes():
                found.setdefault(name, []).append((prefix / name).as_posix())
    return found


class PictureFinder:
    """Finds the pictures of one split, and remembers the names that several pictures have.

    A copy of the set, or smaller copies of its pictures, may lie anywhere below the root: of
    pictures with one name the one in a folder that is named after the split counts, such as
    ``train/`` or ``CrowdHuman_train01/``; of several still, the one with the fewest folders.

    Args:
        found: What :func:`find_pictures` found.
        split: Name of the split.
    """

    def __init__(self, found: dict[str, list[str]], split: str) -> None:
        self.found = found
        self.split = split
        self.several: dict[str, list[str]] = {}

    def locate(self, name: str, missing: str) -> str:
        """Find a picture.

        Args:
            name: Its file name.
            missing: What to return for a picture that is not there.

        Returns:
            Its path relative to the root.
        """
        paths = sorted(self.found.get(name, ()), key=self._distance)
        if len(paths) > 1:
            self.several[name] = paths
        return paths[0] if paths else missing

    def report(self, log: ConversionLog) -> None:
        """Say which names several pictures have.

        Args:
            log: Where that goes.

        Raises:
            DataError: There are such names and the log is strict.
        """
        for name, paths in self.several.items():
            log.note('took one of several pictures with one name', name, ', '.join(paths))
        for taken, other, *_ in list(self.several.values())[:1]:
            log.warn(
                f'{len(self.several)} pictures of {self.split!r} are there more than once, such as '
                f'{taken}, which is used, and {other}: move the copies out of the folder'
            )

    def _distance(self, path: str) -> tuple[bool, int, str]:
        folders = path.split('/')[:-1]
        own = any(self.split in re.split('[^a-z]+', folder.lower()) for folder in folders)
        return (not own, len(folders), path)
