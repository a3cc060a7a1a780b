"""From what a user names to the files that are indexed."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmps.images import image_suffixes
from mmps.structures import DataError

RAW = frozenset({'.264', '.h264', '.avc', '.265', '.h265', '.hevc', '.m4v-es', '.mjpeg', '.mjpg'})
"""Streams without a container: their frames carry no times."""

VIDEOS = RAW | {
    '.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi', '.ts', '.mts', '.m2ts', '.mpg', '.mpeg',
    '.vob', '.3gp', '.3g2', '.wmv', '.asf', '.flv', '.f4v', '.ogv', '.mxf', '.dav', '.mjp',
}  # fmt: skip
"""Endings of the names of videos, in lower case."""


def is_video(path: str | Path) -> bool:
    """Check whether a source has several frames: a video, by its name, or a folder of frames."""
    return os.path.isdir(path) or _is_film(path)


def list_sources(inputs: Iterable[str | Path], as_frames: bool = False) -> list[str]:
    """List the images and videos that inputs name.

    Args:
        inputs: Files, folders (searched with their sub-folders for names of images and videos) and
            patterns such as ``footage/**/*.mp4``. A file that is named itself is taken whatever
            its name is.
        as_frames: Whether the images of a folder are the frames of one video. Then the folder is
            the source, not each image; sub-folders are videos of their own.

    Returns:
        Paths as they were given, each once; of a folder or pattern in natural order, so that
        ``frame2`` comes before ``frame10``.

    Raises:
        DataError: An input does not exist, or there is no image and no video in any.
    """
    inputs = list(inputs)
    found = [path for given in inputs for path in _expand(str(given), as_frames)]
    unique = {os.path.abspath(path): path for path in reversed(found)}
    paths = [path for path in dict.fromkeys(found) if unique[os.path.abspath(path)] == path]
    if not paths:
        raise DataError(f'there is no image and no video in {", ".join(map(str, inputs))}')
    return paths


def _expand(given: str, as_frames: bool) -> Sequence[str]:
    if os.path.isdir(given):
        found = _in_folder(given)
        if as_frames:
            found = [path if _is_film(path) else os.path.dirname(path) for path in found]
        return found
    if os.path.exists(given):
        return [given]
    if glob.has_magic(given):
        matches = sorted(glob.glob(given, recursive=True), key=natural)
        return [path for match in matches for path in _matched(match)]
    raise DataError(f'{given} does not exist')


def _matched(path: str) -> Sequence[str]:
    return [path] if os.path.isfile(path) and _has_known_name(path) else []


def _in_folder(folder: str) -> list[str]:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted((name for name in folders if not name.startswith('.')), key=natural)
        paths = (os.path.join(parent, name) for name in sorted(files, key=natural))
        found += [path for path in paths if _has_known_name(path)]
    return found


def _is_film(path: str) -> bool:
    return Path(path).suffix.lower() in VIDEOS


def _has_known_name(path: str) -> bool:
    suffix, name = Path(path).suffix.lower(), os.path.basename(path)
    return not name.startswith('.') and (suffix in VIDEOS or suffix in image_suffixes())


def shard_of(sources: Sequence[str], shard: str) -> list[str]:
    """Take the part of the sources that one of several workers indexes.

    Args:
        sources: The same list for all workers.
        shard: ``I/N``: every N-th source, from the I-th on; I counts from 1.

    Raises:
        DataError: It is no such part.
    """
    found = re.fullmatch(r'(\d+)/(\d+)', shard.strip())
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count:
        raise DataError(f'{shard!r} is no shard: write I/N, such as 2/4, with I from 1 to N')
    return list(sources[number - 1 :: count])


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts numbers within texts by their value."""
    parts = re.split(r'(\d+)', text)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]
