"""Galleries by their path or address."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from mmps.structures import DataError

from .base import Gallery, GalleryInfo, GalleryModel

SUFFIX = '.mmps'
"""Ends the name of a gallery file."""

SERVERS = {
    'postgresql': 'mmps.gallery.postgresql:PostgresqlGallery',
    'postgres': 'mmps.gallery.postgresql:PostgresqlGallery',
    'milvus+http': 'mmps.gallery.milvus:MilvusGallery',
    'milvus+https': 'mmps.gallery.milvus:MilvusGallery',
}
"""Classes of galleries that an address names by its beginning, imported when they are needed."""


def open_gallery(
    where: str | Path, *, model: GalleryModel | None = None, mode: str = 'r'
) -> Gallery:
    """Open a gallery, or make one.

    Args:
        where: Path of a file that ends in ``.mmps``, or address of a server such as
            ``postgresql://user@host/database?gallery=NAME``.
        model: Whose embeddings it holds; needed to make a gallery, and checked where given.
        mode: ``'r'`` to read, ``'w'`` to write too; a missing gallery is made with ``'w'``.

    Raises:
        DataError: There is no such gallery, it is damaged, cannot be reached, lies on a network
            disk, has a newer format, or holds embeddings of another model.
    """
    if mode not in ('r', 'w'):
        raise ValueError(f"mode={mode!r} must be 'r' or 'w'")
    return _kind(where)(where, model, mode)


def find_info(where: str | Path) -> GalleryInfo | None:
    """Look what a gallery is, or return ``None`` where there is none yet.

    Args:
        where: As for :func:`open_gallery`.

    Raises:
        DataError: It is damaged or cannot be reached.
    """
    kind = _kind(where)
    if not kind.exists(where):
        return None
    with kind(where, None, 'r') as gallery:
        return gallery.info


def _kind(where: str | Path) -> Callable[..., Gallery]:
    scheme, mark, _ = str(where).partition('://')
    if mark:
        if scheme not in SERVERS:
            raise DataError(
                f'{where}: galleries are files that end in {SUFFIX}, or servers: '
                f'{", ".join(f"{name}://..." for name in SERVERS)}'
            )
        module, _, name = SERVERS[scheme].partition(':')
        return getattr(import_module(module), name)
    if Path(where).suffix != SUFFIX:
        raise DataError(f'{where}: the name of a gallery ends in {SUFFIX}')
    from .sqlite import SqliteGallery

    return SqliteGallery
