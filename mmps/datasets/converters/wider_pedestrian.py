"""WIDER Pedestrian, the releases of 2018 and 2019, distinguished by the content of the files.

2018: ``imgNNNNN.jpg`` followed by groups of class and xywh. 2019: ``adNNNNN.jpg`` or
``surNNNNN.jpg`` followed by groups of xywh. Cyclists of 2018 count as people, as they do in the
official metric and in the release of 2019.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmps.structures import DataError

from .boxes import is_usable
from .finding import ImageFinder, find_images
from .log import ConversionLog
from .records import Box, Image, Parsed, Person, Split
from .sizes import Progress, no_progress
from .textfiles import numbers, read_lines

NAME = 'WIDER Pedestrian'

_USUAL = ('pedestrian_detection_trainval', 'WIDER_Pedestrian', 'WiderPedestrian', 'wider')
SPLITS = ('train', 'val')
_PEDESTRIAN = 1
_CYCLIST = 2
_LINES_TO_JUDGE = 200


@dataclass(frozen=True)
class Release:
    """File names and formats of one release.

    Attributes:
        year: Year of the challenge.
        boxes: Name of the box file of a split.
        ignored: Name of the file of ignore regions of a split.
        listed: Name of the file that lists the images of a split.
        prefixes: Beginnings of image names.
        group: Numbers per box.
        official_counts: Numbers of the published set, by split.
    """

    year: int
    boxes: str
    ignored: str
    listed: str
    prefixes: tuple[str, ...]
    group: int
    official_counts: dict[str, dict[str, int]]


RELEASES = (
    Release(
        year=2018,
        boxes='{}_annotations.txt',
        ignored='pedestrian_ignore_part_{}.txt',
        listed='{}.txt',
        prefixes=('img',),
        group=5,
        official_counts={'train': {'images': 11500}, 'val': {'images': 5000}},
    ),
    Release(
        year=2019,
        boxes='Annotations/{}_bbox.txt',
        ignored='Annotations/{}_ignore.txt',
        listed='Annotations/{}_list.txt',
        prefixes=('ad', 'sur'),
        group=4,
        official_counts={'val': {'images': 5000, 'boxes': 20052}},
    ),
)


def find_release(root: Path) -> tuple[Path, Release]:
    """Find the data set and determine its release.

    Args:
        root: Folder of the data set, or one that holds it under a usual name.

    Returns:
        The folder that file names are relative to, and the release.

    Raises:
        DataError: If it is neither release.
    """
    if not root.is_dir():
        raise DataError(f'{root} is not a folder; name the folder of {NAME}')
    for candidate in (root, *(root / name for name in _USUAL)):
        for split in SPLITS:
            for release in RELEASES:
                path = candidate / release.boxes.format(split)
                if path.is_file():
                    return candidate, _judge(path)
    names = ' or '.join(release.boxes.format('train') for release in RELEASES)
    raise DataError(
        f'{root} is not {NAME}: neither it nor its sub-folder {" or ".join(_USUAL)} holds {names}'
    )


def parse(
    root: Path,
    log: ConversionLog,
    progress: Progress = no_progress,
    *,
    ignore_cyclists: bool = False,
) -> Parsed:
    """Read the annotation files.

    Args:
        root: Folder of the data set, or one that holds it under a usual name.
        log: Receives dropped boxes.
        progress: Displays progress.
        ignore_cyclists: Whether cyclists of 2018 become ignore regions.

    Returns:
        The splits that have boxes.

    Raises:
        DataError: If this is not the data set, or a file of it cannot be read.
    """
    root, release = find_release(root)
    found = find_images(root)
    splits = []
    for split in progress(SPLITS, len(SPLITS), 'reading boxes'):
        boxes = _find_file(root, release, split, lambda r: r.boxes)
        if boxes is None:
            log.warn(f'{root} has no box file of {split!r}; the split is left out')
            continue
        finder = ImageFinder(found, split)
        locate = functools.partial(_locate, finder)
        images = _read_split(boxes, release, locate, log, ignore_cyclists)
        _add_listed(_find_file(root, release, split, lambda r: r.listed), images, locate)
        ignored = _find_file(root, release, split, lambda r: r.ignored)
        if ignored is None:
            log.warn(f'{root} has no file of ignore regions of {split!r}; there will be none')
        _add_ignored(ignored, images, log)
        finder.report(log)
        splits.append(Split(split, list(images.values())))
    return Parsed(root, splits, release.official_counts)


def _judge(path: Path) -> Release:
    """Decide by a vote over lines, because the count of numbers of a single line may fit both."""
    votes = dict.fromkeys((release.year for release in RELEASES), 0)
    lines = [line.split() for _, line in read_lines(path)][:_LINES_TO_JUDGE]
    for name, *words in lines:
        for release in RELEASES:
            classes = {*words[::5]} if release.group == 5 else {'1'}
            fits = len(words) % release.group == 0 and classes <= {'1', '2'}
            votes[release.year] += name.startswith(release.prefixes) and fits
    best = max(RELEASES, key=lambda release: votes[release.year])
    if 2 * votes[best.year] <= len(lines):
        raise DataError(
            f'{path} is of neither release of {NAME}: expected are lines such as '
            '"img00001.jpg 1 x y w h ..." (2018) or "sur00001.jpg x y w h ..." (2019)'
        )
    return best


def _find_file(
    root: Path, release: Release, split: str, name: Callable[[Release], str]
) -> Path | None:
    """Search the release's own names first, then those of the other one."""
    for candidate in (release, *RELEASES):
        path = root / name(candidate).format(split)
        if path.is_file():
            return path
    return None


def _locate(finder: ImageFinder, name: str) -> str:
    """Return the path of an image; of a missing one, the path where it should be."""
    return finder.locate(name, f'{finder.split}/{name}')


def _read_split(
    path: Path,
    release: Release,
    locate: Callable[[str], str],
    log: ConversionLog,
    ignore_cyclists: bool,
) -> dict[str, Image]:
    images: dict[str, Image] = {}
    for where, line in read_lines(path):
        name, *words = line.split()
        values = _values(words, release.group, where)
        if name in images:
            log.warn(f'{where} lists {name} a second time; both lines are used')
        image = images.setdefault(name, Image(locate(name)))
        for k in range(0, len(values), release.group):
            *kind, x, y, w, h = values[k : k + release.group]
            if kind not in ([], [_PEDESTRIAN], [_CYCLIST]):
                log.note('dropped a box of an unknown class', where, str(kind))
            elif is_usable((x, y, w, h), where, log):
                ignore = ignore_cyclists and kind == [_CYCLIST]
                image.people.append(Person((x, y, w, h), ignore=ignore))
    return images


def _add_listed(path: Path | None, images: dict[str, Image], locate: Callable[[str], str]) -> None:
    """Add images without people, which may be in the list only."""
    for _, line in read_lines(path) if path else ():
        name = line.split()[0].rsplit('/', 1)[-1]
        images.setdefault(name, Image(locate(name)))


def _add_ignored(path: Path | None, images: dict[str, Image], log: ConversionLog) -> None:
    for where, line in read_lines(path) if path else ():
        name, *words = line.split()
        values = _values(words, 4, where)
        if name not in images:
            log.note('left out ignore regions of an image that has no line of boxes', where, name)
            continue
        for k in range(0, len(values), 4):
            bbox: Box = tuple(values[k : k + 4])
            if is_usable(bbox, where, log):
                images[name].people.append(Person(bbox, ignore=True))


def _values(words: list[str], group: int, where: str) -> list[float]:
    if len(words) % group:
        raise DataError(f'{where} has {len(words)} numbers, which is no multiple of {group}')
    return numbers(words, where)
