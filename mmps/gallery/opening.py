"""Galleries by their path or address."""

from __future__ import annotations

from pathlib import Path

from mmps.structures import DataError

from .base import Gallery, GalleryModel
from .sqlite import SqliteGallery

SUFFIX = '.mmps'
"""Ends the name of a gallery file."""


def open_gallery(
    where: str | Path, *, model: GalleryModel | None = None, mode: str = 'r'
) -> Gallery:
    """Open a gallery, or make one.

    Args:
        where: Path of a file that ends in ``.mmps``.
        model: Whose embeddings it holds; needed to make a gallery, and checked where given.
        mode: ``'r'`` to read, ``'w'`` to write too; a missing file is made with ``'w'``.

    Raises:
        DataError: There is no such gallery, it is damaged, lies on a network disk, has a newer
            format, or holds embeddings of another model.
    """
    if mode not in ('r', 'w'):
        raise ValueError(f"mode={mode!r} must be 'r' or 'w'")
    if '://' in str(where):
        raise DataError(f'{where}: galleries are files; give a path that ends in {SUFFIX}')
    if Path(where).suffix != SUFFIX:
        raise DataError(f'{where}: the name of a gallery ends in {SUFFIX}')
    return SqliteGallery(where, model, mode)
