"""Sizes of pictures, from their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mmps.images import picture_size
from mmps.structures import DataError

from .log import ConversionLog
from .records import Image, Split

Progress = Callable[[Iterable, int, str], Iterable]


def no_progress(items: Iterable, total: int, label: str) -> Iterable:
    """Hand items on and show nothing.

    Args:
        items: What is worked on.
        total: How many there are.
        label: What is done to them.

    Returns:
        The items.
    """
    return items


def without_repeats(images: list[Image], path: Path, log: ConversionLog) -> list[Image]:
    """Keep the first of several entries for one picture.

    Args:
        images: All entries.
        path: The file that holds them, for messages.
        log: Where the others go.

    Returns:
        One entry for each picture.
    """
    kept: dict[str, Image] = {}
    for image in images:
        if image.file_name in kept:
            log.warn(f'{path} lists {image.file_name} again; the later entry is left out')
        kept.setdefault(image.file_name, image)
    return list(kept.values())


def measure(root: Path, split: Split, log: ConversionLog, progress: Progress) -> Split:
    """Read every picture's size; drop pictures that are missing or broken.

    Only headers are read: a picture that is cut off further down is noticed when it is loaded.

    Args:
        root: Folder that file names are relative to.
        split: The pictures; their ``size`` is set.
        log: Where dropped pictures go.
        progress: Shows how far it is.

    Returns:
        The split without the dropped pictures and whatever refers to them.

    Raises:
        DataError: If no picture is left, or any is dropped and the log is strict.
    """
    missing: list[str] = []
    broken: list[str] = []
    for image in progress(split.images, len(split.images), f'{split.name}: reading picture sizes'):
        path = root / image.file_name
        try:
            image.size = picture_size(path)
        except FileNotFoundError:
            missing.append(image.file_name)
        except OSError:
            (missing if not path.is_file() else broken).append(image.file_name)
    for names, what in ((missing, 'missing'), (broken, 'unreadable')):
        for name in names:
            log.note(f'dropped a picture that is {what}', name)
        if names:
            log.warn(
                f'{len(names)} of {len(split.images)} pictures of {split.name!r} are {what}, '
                f'such as {root / names[0]}; they are left out: unpack the data set again'
            )
    if split.images and len(missing) + len(broken) == len(split.images):
        raise DataError(
            f'none of the {len(split.images)} pictures of {split.name!r} can be read, such as '
            f'{root / split.images[0].file_name}; unpack the images of the data set'
        )
    return split.without_images({*missing, *broken}) if missing or broken else split
