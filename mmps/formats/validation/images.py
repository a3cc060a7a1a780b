"""Checks on the images themselves, and on images that two files share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from mmps.images import image_size

from ..problems import Problem


def check_file_names(content: dict) -> Iterator[Problem]:
    """Check that file names are relative, with forward slashes, and occur once.

    Args:
        content: A file whose structure is right.

    Yields:
        Errors.
    """
    seen = set()
    for k, image in enumerate(content['images']):
        name = image['file_name']
        if '\\' in name or PureWindowsPath(name).root or '..' in PurePosixPath(name).parts:
            yield Problem('a file_name is not a relative path with "/"', f'images[{k}] ({name})')
        if name in seen:
            yield Problem('a file_name occurs twice', f'images[{k}] ({name})')
        seen.add(name)


def check_images(images: Iterable[dict], folder: Path) -> Iterator[Problem]:
    """Check that every image is there and has the size that the file says.

    Args:
        images: Entries of ``images``.
        folder: Folder that file names are relative to.

    Yields:
        Errors.
    """
    for image in images:
        path = folder / image['file_name']
        try:
            size = image_size(path)
        except FileNotFoundError:
            yield Problem(f'an image is missing under {folder}', image['file_name'])
            continue
        except OSError:
            yield Problem('an image cannot be read', image['file_name'])
            continue
        if size != (image['width'], image['height']):
            said = f'{image["width"]}x{image["height"]}'
            where = f'{image["file_name"]} (file {size[0]}x{size[1]}, annotation {said})'
            yield Problem('an image has another size', where)


def check_overlap(content: dict, other: Any, folder: Path | None) -> Iterator[Problem]:
    """Check that two files share no image, by name and, where images are there, by content.

    Args:
        content: One file, such as the test split.
        other: The other one, such as the training split; it may be broken, file names are enough.
        folder: Folder that file names are relative to, if images are to be compared.

    Yields:
        Errors.
    """
    names = _file_names(other)
    shared = {image['file_name'] for image in content['images']} & names
    for name in sorted(shared):
        yield Problem('an image is in both files', name)
    if folder is None:
        return
    known = _by_size(folder, sorted(names))
    for image in content['images']:
        path, name = folder / image['file_name'], image['file_name']
        if name in shared or not path.is_file():
            continue
        for twin in known.get(path.stat().st_size, ()):
            if _digest(folder / twin) == _digest(path):
                yield Problem('the same image is in both files', f'{name} and {twin}')


def _file_names(content: Any) -> set[str]:
    images = content.get('images') if isinstance(content, dict) else None
    records = images if isinstance(images, list) else []
    names = (record.get('file_name') for record in records if isinstance(record, dict))
    return {name for name in names if isinstance(name, str)}


def _by_size(folder: Path, names: list[str]) -> dict[int, list[str]]:
    sizes: dict[int, list[str]] = {}
    for name in names:
        if (folder / name).is_file():
            sizes.setdefault((folder / name).stat().st_size, []).append(name)
    return sizes


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
