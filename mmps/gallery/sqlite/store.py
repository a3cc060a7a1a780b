"""A gallery in one SQLite file, searched exactly in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import torch

from ..base import (
    GalleryInfo,
    GalleryModel,
    Progress,
    Statistics,
    check_same_model,
    statistics_of,
)
from ..checks import as_queries, check_dimension, check_given, check_writes
from ..rows import Hits, Rows, Where, public_ids
from . import schema
from .names import Names
from .schema import sentences
from .table import Table
from .writing import (
    count_groups,
    digests_of,
    insert,
    read_notes,
    read_progress,
    remove_people,
    remove_public,
    set_note,
    set_progress,
)

FETCHED = 4096
"""Rows read at once while a gallery is opened."""

REMOVED = 0.25
"""Part of the rows in memory that may be removed ones before all are read again."""

SELECT = """
SELECT p.id, p.public, p.source, p.frame, p.slot, p.time, p.camera, p.score,
       p.x1, p.y1, p.x2, p.y2, v.half
FROM person p JOIN vector v ON v.person = p.id WHERE p.id > ? ORDER BY p.id"""


class SqliteGallery:
    """A gallery in one SQLite file; embeddings are compared in memory, all of them.

    Several processes may read while one writes. Every batch is on disk when :meth:`add` returns.

    Args:
        path: The file.
        model: Makes the file where it is missing, and is checked against it. For reading alone it
            may be left out.
        mode: ``'r'`` to read, ``'w'`` to write too.
        device: Where embeddings are compared; a GPU where there is one.

    Raises:
        DataError: The file is missing, no gallery, damaged, of another model or of a newer format.
    """

    def __init__(
        self,
        path: str | Path,
        model: GalleryModel | None = None,
        mode: str = 'r',
        device: str | torch.device | None = None,
    ) -> None:
        self.path = Path(path)
        self.writes = mode == 'w'
        if self.writes and model is not None:
            self._connection = schema.create(self.path, model)
        elif self.writes:
            schema.open_to_read(self.path).close()
            info = self._peek()
            self._connection = schema.create(self.path, info.model)
        else:
            self._connection = schema.open_to_read(self.path)
        self._lock = RLock()
        self._device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        self._table: Table | None = None
        self._seen: tuple[int, int] | None = None
        try:
            self._info = schema.read_info(self._connection, self.path)
            if model is not None:
                check_same_model(self._info.model, model, str(self.path))
        except BaseException:
            self._connection.close()
            raise
        self._sources = Names(self._connection, 'source', 'path')
        self._cameras = Names(self._connection, 'camera', 'name')

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Check whether there is a file."""
        return Path(path).is_file()

    def _peek(self) -> GalleryInfo:
        connection = schema.open_to_read(self.path)
        try:
            return schema.read_info(connection, self.path)
        finally:
            connection.close()

    @property
    def info(self) -> GalleryInfo:
        """What this gallery is."""
        return self._info

    def __enter__(self) -> SqliteGallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; what was stored is in it, without a log beside it."""
        with self._lock:
            if self.writes:
                # Where a reader holds the log, the last one empties it.
                with suppress(sqlite3.Error):
                    self._connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
            self._connection.close()
            self._table = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        check_writes(self.path, self.writes)
        connection = self._connection
        with self._lock, sentences(self.path):
            connection.execute('BEGIN IMMEDIATE')
            try:
                yield connection
                connection.execute('COMMIT')
            except BaseException:
                if connection.in_transaction:
                    connection.execute('ROLLBACK')
                self._sources.forget()
                self._cameras.forget()
                raise

    def add(self, rows: Rows, done: Sequence[Progress] = ()) -> np.ndarray:
        """Store people and how far their sources are indexed: see :meth:`Gallery.add`."""
        check_dimension(self._info, rows)
        with self._writing() as connection:
            for state in done:
                set_progress(connection, state)
            digests = digests_of(connection, rows.source, self.path)
            ids = public_ids(self._info.model.fingerprint, digests, rows.frame, rows.slot)
            remove_public(connection, ids)
            sources = self._sources.numbers(rows.source)
            insert(connection, rows, ids, sources, self._cameras.numbers(rows.camera, make=True))
        return ids

    def remove(self, where: Where) -> int:
        """Remove rows: see :meth:`Gallery.remove`."""
        check_given(where)
        with self._writing() as connection:
            table = self._current()
            keys = table['key'][self._passing(table, where)].tolist()
            removed = remove_people(connection, 'id = ?', [(key,) for key in keys])
            if where.given == {'sources'}:
                connection.executemany(
                    'DELETE FROM source WHERE path = ?', [(path,) for path in where.sources]
                )
                self._sources.forget()
        return removed

    def search(self, vectors: np.ndarray, k: int = 100, where: Where | None = None) -> list[Hits]:
        """Find the rows most similar to each query: see :meth:`Gallery.search`."""
        queries = as_queries(self._info, vectors)
        with self._lock:
            table = self._current()
            rows = self._passing(table, where)
            return [
                Hits(similarities, self._rows(table, found))
                for found, similarities in table.most_similar(queries, rows, k)
            ]

    def rows(
        self, where: Where | None = None, *, vectors: bool = False, batch: int = 10_000
    ) -> Iterator[Rows]:
        """List rows in the order in which they were added: see :meth:`Gallery.rows`."""
        with self._lock:
            table = self._current()
            found = self._passing(table, where)
        for start in range(0, len(found), batch):
            yield self._rows(table, found[start : start + batch], vectors)

    def count(self, where: Where | None = None) -> int:
        """Count the rows that meet conditions."""
        with self._lock, sentences(self.path):
            if where is None or not where.given:
                return self._connection.execute('SELECT count(*) FROM vector').fetchone()[0]
            return len(self._passing(self._current(), where))

    def progress(self) -> Mapping[str, Progress]:
        """Get how far each source is indexed, by its path."""
        with self._lock, sentences(self.path):
            return {state.source: state for state in read_progress(self._connection)}

    def statistics(self) -> Statistics:
        """Count what is in it by source and camera."""
        with self._lock, sentences(self.path):
            return statistics_of(count_groups(self._connection), self.path.stat().st_size)

    def set_note(self, name: str, content: Mapping[str, Any] | None) -> None:
        """Keep a small fact beside the rows: see :meth:`Gallery.set_note`."""
        with self._writing() as connection:
            set_note(connection, name, content)

    def notes(self) -> Mapping[str, dict[str, Any]]:
        """Get all notes by their names."""
        with self._lock, sentences(self.path):
            return read_notes(self._connection)

    def compact(self) -> None:
        """Free the space of removed rows; takes as much free disk space as the file has."""
        check_writes(self.path, self.writes)
        with self._lock, sentences(self.path):
            self._connection.execute('VACUUM')
            self._connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')

    def _passing(self, table: Table, where: Where | None) -> np.ndarray:
        where = where or Where()
        sources = None if where.sources is None else self._sources.known(where.sources)
        cameras = None if where.cameras is None else self._cameras.known(where.cameras)
        return table.passing(where, sources, cameras)

    def _rows(self, table: Table, found: np.ndarray, vectors: bool = False) -> Rows:
        return Rows(
            vectors=table.vectors(found) if vectors else np.zeros((len(found), 0)),
            boxes=table['box'][found],
            scores=table['score'][found],
            source=self._sources.names(table['source'][found]),
            frame=table['frame'][found],
            slot=table['slot'][found],
            time=table['time'][found],
            camera=self._cameras.names(table['camera'][found]),
            ids=table['public'][found],
        )

    def _current(self) -> Table:
        """Bring the rows in memory up to date with the file."""
        with sentences(self.path):
            connection = self._connection
            seen = (
                connection.execute('PRAGMA data_version').fetchone()[0],
                connection.total_changes,
            )
            if self._table is not None and seen == self._seen:
                return self._table
            if self._table is None:
                self._table = Table(self._info.model.dimension, self._device)
            self._read_new(self._table)
            if self._table.alive.sum() < (1 - REMOVED) * self._table.size:
                self._table = Table(self._info.model.dimension, self._device)
                self._read_new(self._table)
            self._seen = seen
            return self._table

    def _read_new(self, table: Table) -> None:
        connection = self._connection
        removals = connection.execute("SELECT value FROM meta WHERE key = 'removals'").fetchone()[0]
        cursor = connection.execute(SELECT, (table.last_key,))
        while fetched := cursor.fetchmany(FETCHED):
            *columns, x1, y1, x2, y2, halves = zip(*fetched, strict=True)
            key, public, source, frame, slot, time, camera, score = columns
            table.append(
                {
                    'key': key,
                    'public': public,
                    'source': source,
                    'frame': frame,
                    'slot': slot,
                    'time': np.array(time, dtype=np.float64),
                    'camera': camera,
                    'score': score,
                    'box': np.array([x1, y1, x2, y2], dtype=np.float32).T,
                },
                np.frombuffer(b''.join(halves), dtype='<f2').reshape(len(fetched), -1),
            )
        if removals != getattr(table, 'removals', removals):
            keys = [row[0] for row in connection.execute('SELECT id FROM person ORDER BY id')]
            table.keep(np.array(keys, dtype=np.int64))
        table.removals = removals
