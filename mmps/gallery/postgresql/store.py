"""A gallery on a PostgreSQL server with pgvector, for many machines at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any, TypeVar

import numpy as np

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
from .address import Address
from .conditions import condition
from .schema import sentences
from .writing import insert, lock_sources, read_progress, set_progress

T = TypeVar('T')

COLUMNS = (
    'p.id, p.public, s.path, p.frame, p.slot, p.time, p.camera, p.score, p.x1, p.y1, p.x2, p.y2'
)
NOTE = 'note '
"""Begins the names of notes in table ``meta``."""

TRIES = 5
"""How often a batch is written that collides with those of other writers."""

FINE = 1024.0
"""Scale of the second half-precision number of a query, which holds what the first one rounds."""


class PostgresqlGallery:
    """A gallery on a PostgreSQL server: any number of machines write and read at the same time.

    Embeddings are compared by the server, all of them. A batch is on the server's disk when
    :meth:`add` returns.

    Args:
        where: Address, such as ``postgresql://user@host/database?gallery=NAME``.
        model: Makes the gallery where it is missing, and is checked against it.
        mode: ``'r'`` to read, ``'w'`` to write too.

    Raises:
        DataError: The server cannot be reached, or the gallery is missing, of another model or of
            a newer format.
    """

    def __init__(self, where: str, model: GalleryModel | None = None, mode: str = 'r') -> None:
        self.address = Address.of(str(where))
        self.writes = mode == 'w'
        self._lock = RLock()
        self._connection = schema.connect(self.address, self.writes)
        try:
            if self.writes and model is not None:
                schema.create(self._connection, self.address, model)
            self._info = schema.read_info(self._connection, self.address)
            if model is not None:
                check_same_model(self._info.model, model, self.address.shown)
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @staticmethod
    def exists(where: str) -> bool:
        """Check whether there is a gallery at an address."""
        address = Address.of(str(where))
        connection = schema.connect(address)
        with connection, sentences(address):
            return schema.exists(connection, address)

    @property
    def info(self) -> GalleryInfo:
        """What this gallery is."""
        return self._info

    def __enter__(self) -> PostgresqlGallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        from pgvector.psycopg import register_vector

        with sentences(self.address):
            register_vector(self._connection)

    def _read(self, work: Callable[[Any], T]) -> T:
        """Ask the server; once more where it was started again since it was asked last."""
        with self._lock, sentences(self.address):
            try:
                return work(self._connection)
            except schema.driver().OperationalError:
                if not self._connection.closed:
                    raise
            self._connection = schema.connect(self.address, self.writes)
            self._prepare()
            return work(self._connection)

    def _fetch(self, statement: str, values: Any = ()) -> list[tuple]:
        def work(connection: Any) -> list[tuple]:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(statement, values).fetchall()

        return self._read(work)

    def _write(self, work: Callable[[Any], T]) -> T:
        """Do work as one transaction, again where that of another writer came between."""
        check_writes(self.address.shown, self.writes)
        errors = schema.driver().errors
        collisions = (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure)

        def transaction(connection: Any) -> T:
            for last in [False] * (TRIES - 1) + [True]:
                try:
                    with connection.transaction():
                        return work(connection)
                except collisions:
                    if last:
                        raise
            raise AssertionError

        # Repeated after a broken connection it is harmless too: ids are those of the content.
        return self._read(transaction)

    def add(self, rows: Rows, done: Sequence[Progress] = ()) -> np.ndarray:
        """Store people and how far their sources are indexed: see :meth:`Gallery.add`."""
        model, name = self._info.model, self.address.name
        check_dimension(self._info, rows)

        def work(connection: Any) -> np.ndarray:
            for state in sorted(done, key=lambda state: state.source):
                set_progress(connection, name, state)
            sources = lock_sources(connection, name, rows.source)
            digests = [sources[path][1] for path in rows.source]
            ids = public_ids(model.fingerprint, digests, rows.frame, rows.slot)
            insert(connection, name, rows, ids, [sources[path][0] for path in rows.source])
            return ids

        return self._write(work)

    def remove(self, where: Where) -> int:
        """Remove rows: see :meth:`Gallery.remove`."""
        check_given(where)
        name = self.address.name
        text, values = condition(where, name)
        forgets = where.given == {'sources'}
        paths = f'{name}.source WHERE path = ANY(%(sources)s)'

        def work(connection: Any) -> int:
            if forgets:  # writers of these sources wait, and find them gone
                connection.execute(f'SELECT 1 FROM {paths} ORDER BY path FOR UPDATE', values)
            removed = connection.execute(f'DELETE FROM {name}.person p WHERE {text}', values)
            if forgets:
                connection.execute(f'DELETE FROM {paths}', values)
            return removed.rowcount

        return self._write(work)

    def search(self, vectors: np.ndarray, k: int = 100, where: Where | None = None) -> list[Hits]:
        """Find the rows most similar to each query: see :meth:`Gallery.search`."""
        return [self._search(query, k, where) for query in as_queries(self._info, vectors)]

    def _search(self, query: np.ndarray, k: int, where: Where | None) -> Hits:
        from pgvector import HalfVector

        text, values = condition(where, self.address.name)
        # The server compares numbers of half precision, which round a query: the rest is a second
        # vector, so that similarities are those of single precision.
        coarse = query.astype(np.float16)
        rest = ((query - coarse.astype(np.float32)) * FINE).astype(np.float16)
        values |= {'coarse': HalfVector(coarse), 'rest': HalfVector(rest), 'k': k}
        distance = f'(p.vector <#> %(coarse)s) + (p.vector <#> %(rest)s) / {FINE}'
        found = self._fetch(
            f'WITH best AS MATERIALIZED (SELECT p.*, {distance} AS distance '
            f'FROM {self.address.name}.person p WHERE {text} ORDER BY distance, p.id LIMIT %(k)s) '
            f'SELECT {COLUMNS}, p.distance FROM best p JOIN {self.address.name}.source s '
            'ON s.id = p.source ORDER BY p.distance, p.id',
            values,
        )
        similarities = np.array([-row[-1] for row in found], dtype=np.float32)
        return Hits(similarities, _rows([row[:-1] for row in found]))

    def rows(
        self, where: Where | None = None, *, vectors: bool = False, batch: int = 10_000
    ) -> Iterator[Rows]:
        """List rows in the order in which they were added: see :meth:`Gallery.rows`."""
        name = self.address.name
        text, values = condition(where, name)
        columns = COLUMNS + (', p.vector' if vectors else '')
        ((last,),) = self._fetch(f'SELECT coalesce(max(id), 0) FROM {name}.person')
        seen = 0
        while found := self._fetch(
            f'SELECT {columns} FROM {name}.person p JOIN {name}.source s ON s.id = p.source WHERE '
            f'p.id > %(seen)s AND p.id <= %(last)s AND {text} ORDER BY p.id LIMIT %(batch)s',
            {**values, 'seen': seen, 'last': last, 'batch': batch},
        ):
            seen = found[-1][0]
            yield _rows(found, vectors)

    def count(self, where: Where | None = None) -> int:
        """Count the rows that meet conditions."""
        text, values = condition(where, self.address.name)
        found = self._fetch(
            f'SELECT count(*) FROM {self.address.name}.person p WHERE {text}', values
        )
        return found[0][0]

    def progress(self) -> Mapping[str, Progress]:
        """Get how far each source is indexed, by its path."""
        name = self.address.name
        states = self._read(lambda connection: list(read_progress(connection, name)))
        return {state.source: state for state in states}

    def statistics(self) -> Statistics:
        """Count what is in it by source and camera."""
        name = self.address.name
        groups = self._fetch(
            f'SELECT s.path, p.camera, count(*), min(p.time), max(p.time) FROM {name}.person p '
            f'JOIN {name}.source s ON s.id = p.source GROUP BY s.path, p.camera'
        )
        sizes = self._fetch('SELECT pg_total_relation_size(%s::regclass)', (f'{name}.person',))
        return statistics_of(groups, sizes[0][0])

    def set_note(self, name: str, content: Mapping[str, Any] | None) -> None:
        """Keep a small fact beside the rows: see :meth:`Gallery.set_note`."""
        table, key = f'{self.address.name}.meta', NOTE + name

        def work(connection: Any) -> None:
            if content is None:
                connection.execute(f'DELETE FROM {table} WHERE key = %s', (key,))
                return
            connection.execute(
                f'INSERT INTO {table} VALUES (%s, %s) ON CONFLICT (key) DO UPDATE '
                'SET value = excluded.value',
                (key, json.dumps(content)),
            )

        self._write(work)

    def notes(self) -> Mapping[str, dict[str, Any]]:
        """Get all notes by their names."""
        statement = f'SELECT key, value FROM {self.address.name}.meta WHERE starts_with(key, %s)'
        return {key.removeprefix(NOTE): value for key, value in self._fetch(statement, (NOTE,))}

    def compact(self) -> None:
        """Free the space of removed rows; others wait until it is done."""
        check_writes(self.address.shown, self.writes)
        table = f'{self.address.name}.person'
        self._read(lambda connection: connection.execute(f'VACUUM (FULL, ANALYZE) {table}'))


def _rows(found: list[tuple], vectors: bool = False) -> Rows:
    """Put fetched lines into columns."""
    if not found:
        return replace(Rows.empty(), ids=np.zeros(0))
    _, public, source, frame, slot, time, camera, score, *others = zip(*found, strict=True)
    return Rows(
        vectors=np.stack([v.to_numpy() for v in others[4]]) if vectors else [[]] * len(found),
        boxes=np.array(others[:4], dtype=np.float32).T,
        scores=score,
        source=source,
        frame=frame,
        slot=slot,
        time=np.array(time, dtype=np.float64),
        camera=camera,
        ids=public,
    )
