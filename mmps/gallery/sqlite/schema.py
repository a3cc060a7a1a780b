"""The tables of a gallery file, and opening it without harm to anything else."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from mmps.structures import DataError

from ..base import GalleryInfo, GalleryModel
from .disks import refuse_network_disk

FORMAT = 1
"""Version of the tables below, kept in ``user_version``."""

APPLICATION = 0x6D6D7073
"""``mmps`` in ASCII, kept in ``application_id``: marks a gallery among SQLite's files."""

WAIT = 30.0
"""Seconds to wait for another process that writes to the same gallery."""

TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value);
CREATE TABLE source(
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, digest TEXT NOT NULL, size INTEGER,
    mtime INTEGER, last_frame INTEGER, finished INTEGER, camera TEXT, width INTEGER,
    height INTEGER, every REAL, start REAL, time_origin TEXT, problem TEXT);
CREATE TABLE camera(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE person(
    id INTEGER PRIMARY KEY AUTOINCREMENT, public INTEGER NOT NULL, source INTEGER NOT NULL,
    frame INTEGER NOT NULL, slot INTEGER NOT NULL, time REAL, camera INTEGER NOT NULL,
    score REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL);
CREATE TABLE vector(person INTEGER PRIMARY KEY, half BLOB NOT NULL);
CREATE TABLE public(id INTEGER PRIMARY KEY, person INTEGER NOT NULL);
"""
# `person.id` only ever grows (AUTOINCREMENT), so readers find what is new behind the last one they
# know. The hash has a table of its own: as the key of `person` it made every insertion a random
# write, 16 times slower at 300,000 rows. `half`: little-endian half-precision numbers.


def create(path: Path, model: GalleryModel) -> sqlite3.Connection:
    """Make a gallery file, or open the one that is there, for writing.

    Args:
        path: The file; its folder is made where it is missing.
        model: Written into a new file.

    Raises:
        DataError: The file cannot be written, lies on a network disk, or is no gallery.
    """
    refuse_network_disk(path)
    if not path.is_file() or path.stat().st_size == 0:
        _write_empty(path, model)
    connection = _connect(path, 'rw')
    with sentences(path):
        connection.execute('PRAGMA journal_mode = WAL')
        # An acknowledged batch survives a power cut: the log is on disk before commit returns.
        connection.execute('PRAGMA synchronous = FULL')
    return connection


def _write_empty(path: Path, model: GalleryModel) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f'{path.parent} cannot be made: {error.strerror}') from None
    with sentences(path):
        connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        try:
            connection.execute('PRAGMA page_size = 8192')
            connection.execute('PRAGMA journal_mode = WAL')
            connection.execute('BEGIN IMMEDIATE')
            # Another process may have made it since we looked.
            if connection.execute('PRAGMA user_version').fetchone() == (0,):
                for statement in TABLES.split(';\n'):
                    connection.execute(statement)
                values = {
                    'fingerprint': model.fingerprint,
                    'dimension': model.dimension,
                    'recipe': json.dumps(model.recipe, sort_keys=True),
                    'created': time.time(),
                    'removals': 0,
                }
                connection.executemany('INSERT INTO meta VALUES (?, ?)', values.items())
                connection.execute(f'PRAGMA application_id = {APPLICATION}')
                connection.execute(f'PRAGMA user_version = {FORMAT}')
            connection.execute('COMMIT')
        finally:
            connection.close()


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a gallery file that exists, for reading.

    Raises:
        DataError: There is none, it cannot be read, lies on a network disk, or is no gallery.
    """
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'does not exist'
        raise DataError(f'{path} {what}; make a gallery with: mmps index {path} INPUT...')
    refuse_network_disk(path)
    return _connect(path, 'ro')


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f'file:{quote(str(path.resolve()))}?mode={mode}'
    try:
        return _checked(path, address)
    except sqlite3.OperationalError as error:
        # Readers share a small file beside the gallery; a read-only folder cannot hold it. Without
        # a log beside it nobody writes, and the file alone is the whole gallery.
        if mode == 'ro' and not path.with_name(f'{path.name}-wal').exists():
            with sentences(path):
                return _checked(path, f'{address}&immutable=1')
        raise DataError(f'{path} cannot be opened: {error}') from None


def _checked(path: Path, address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False
    )
    try:
        marks = [
            connection.execute(f'PRAGMA {name}').fetchone()[0]
            for name in ('application_id', 'user_version')
        ]
        if marks[0] != APPLICATION:
            raise DataError(f'{path} is no gallery of mmps')
        if marks[1] > FORMAT:
            raise DataError(
                f'{path} has format {marks[1]}, this version of mmps reads up to {FORMAT}: '
                'update mmps (pip install -U mmps)'
            )
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DataError(f'{path} is no gallery of mmps, or is damaged: {error}') from None
    except DataError:
        connection.close()
        raise
    return connection


def read_info(connection: sqlite3.Connection, path: Path) -> GalleryInfo:
    """Read what a gallery is.

    Args:
        connection: To its file.
        path: Of the file.

    Raises:
        DataError: The file is damaged.
    """
    with sentences(path):
        meta = dict(connection.execute('SELECT key, value FROM meta'))
    model = GalleryModel(meta['fingerprint'], meta['dimension'], json.loads(meta['recipe']))
    return GalleryInfo(str(path), model, FORMAT, meta['created'])


class sentences:  # noqa: N801 (reads as a phrase in a with statement)
    """Turns SQLite's errors into one sentence about the file.

    Args:
        path: The gallery.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise DataError(f'{self.path}: {_sentence(error)}') from None


def _sentence(error: sqlite3.Error) -> str:
    text = str(error)
    if 'full' in text:
        return 'the disk is full; nothing of this batch was stored, earlier ones are safe'
    if 'locked' in text or 'busy' in text:
        return f'another process has been writing to it for {WAIT:.0f} s; try again later'
    if 'readonly' in text:
        return 'it may only be read; open a copy, or change its permissions'
    if 'malformed' in text or 'not a database' in text:
        return f'it is damaged ({text}); restore a copy, or index again into a new gallery'
    return f'it cannot be read or written ({text})'
