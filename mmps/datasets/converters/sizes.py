"""Sizes of images, from their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mmps.images import image_size
from mmps.structures import DataError

from .log import ConversionLog
from .records import Image, Split

Progress = Callable[[Iterable, int, str], Iterable]


def no_progress(items: Iterable, total: int, label: str) -> Iterable:
    """Return the items and display nothing.

    Args:
        items: Items that are processed.
        total: Number of items.
        label: Text beside the progress.

    Returns:
        The items.
    """
    return items


def without_repeats(images: list[Image], path: Path, log: ConversionLog) -> list[Image]:
    """Keep the first of several entries for one image.

    Args:
        images: All entries of the file.
        path: The file that lists them, for messages.
        log: Receives the others.

    Returns:
        One entry for each image.
    """
    kept: dict[str, Image] = {}
    for image in images:
        if image.file_name in kept:
            log.warn(f'{path} lists {image.file_name} again; the later entry is left out')
        kept.setdefault(image.file_name, image)
    return list(kept.values())


def measure(root: Path, split: Split, log: ConversionLog, progress: Progress) -> Split:
    """Read the size of every image; drop images that are missing or broken.

    Only headers are read: an image that is truncated after it is noticed when it is loaded.

    Args:
        root: Folder that file names are relative to.
        split: The images; their ``size`` is set.
        log: Receives dropped images.
        progress: Displays progress.

    Returns:
        The split without the dropped images and whatever refers to them.

    Raises:
        DataError: No image is left, or one is dropped and the log is strict.
    """
    missing: list[str] = []
    broken: list[str] = []
    for image in progress(split.images, len(split.images), f'{split.name}: reading image sizes'):
        path = root / image.file_name
        try:
            image.size = image_size(path)
        except FileNotFoundError:
            missing.append(image.file_name)
        except OSError:
            (missing if not path.is_file() else broken).append(image.file_name)
    for names, what in ((missing, 'missing'), (broken, 'unreadable')):
        for name in names:
            log.note(f'dropped an image that is {what}', name)
        if names:
            log.warn(
                f'{len(names)} of {len(split.images)} images of {split.name!r} are {what}, '
                f'such as {root / names[0]}; they are left out: unpack the data set again'
            )
    if split.images and len(missing) + len(broken) == len(split.images):
        raise DataError(
            f'none of the {len(split.images)} images of {split.name!r} can be read, such as '
            f'{root / split.images[0].file_name}; unpack the images of the data set'
        )
    return split.without_images({*missing, *broken}) if missing or broken else split
