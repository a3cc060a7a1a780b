"""What one transaction of a writer does to the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mmps.structures import DataError

from ..base import Progress
from ..rows import Rows

STATE = tuple(Progress.__dataclass_fields__)
SOURCE = ('path', *STATE[1:])
"""Columns of table ``source`` beside its key, in the order of the fields of ``Progress``."""

PERSON = {
    'public': 'int8', 'source': 'int8', 'frame': 'int4', 'slot': 'int4', 'time': 'float8',
    'camera': 'text', 'score': 'float4', 'x1': 'float4', 'y1': 'float4', 'x2': 'float4',
    'y2': 'float4', 'vector': 'halfvec',
}  # fmt: skip
"""Columns of table ``person`` beside its key, and their types."""


def read_progress(connection: Any, name: str) -> Iterator[Progress]:
    """Read how far sources are indexed, in the order in which they came.

    Args:
        connection: To the server.
        name: Of the gallery.
    """
    statement = f'SELECT {", ".join(SOURCE)} FROM {name}.source ORDER BY id'
    return (Progress(*row) for row in connection.execute(statement))


def set_progress(connection: Any, name: str, state: Progress) -> None:
    """Store how far a source is indexed; its people leave where its content has changed.

    Until the transaction ends, other writers of this source wait.

    Args:
        connection: In a transaction.
        name: Of the gallery.
        state: Of the source.
    """
    values = list(asdict(state).values())
    marks = ', '.join(['%s'] * len(SOURCE))
    made = connection.execute(
        f'INSERT INTO {name}.source({", ".join(SOURCE)}) VALUES ({marks}) '
        'ON CONFLICT (path) DO NOTHING RETURNING id',
        values,
    ).fetchone()
    if made is not None:
        return
    key, digest = lock_sources(connection, name, [state.source])[state.source]
    if digest != state.digest:
        connection.execute(f'DELETE FROM {name}.person WHERE source = %s', (key,))
    assignments = ', '.join(f'{column} = %s' for column in SOURCE)
    connection.execute(f'UPDATE {name}.source SET {assignments} WHERE id = %s', [*values, key])


def lock_sources(connection: Any, name: str, paths: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Get key and digest of sources, and let other writers of them wait.

    Args:
        connection: In a transaction.
        name: Of the gallery.
        paths: Of the sources, in any order.

    Raises:
        DataError: A source is unknown.
    """
    found = {}
    # Always in one order, so that no two writers wait for each other.
    for path in sorted(set(paths)):
        statement = f'SELECT id, digest FROM {name}.source WHERE path = %s FOR UPDATE'
        row = connection.execute(statement, (path,)).fetchone()
        if row is None:
            raise DataError(f'the gallery knows no source {path}: add its progress with its rows')
        found[path] = row
    return found


def insert(connection: Any, name: str, rows: Rows, ids: np.ndarray, sources: list[int]) -> None:
    """Store people; those who are there already are replaced.

    Args:
        connection: In a transaction.
        name: Of the gallery.
        rows: The people.
        ids: ``(n,)`` their public ids.
        sources: Keys of their sources.

    Raises:
        DataError: Two ids are equal.
    """
    from pgvector import HalfVector

    if len(np.unique(ids)) < len(ids):
        raise DataError('a batch holds the same person of the same frame twice')
    if not len(ids):
        return
    connection.execute(f'DELETE FROM {name}.person WHERE public = ANY(%s)', (ids.tolist(),))
    times = (None if np.isnan(time) else time for time in rows.time.tolist())
    plain = (ids.tolist(), sources, rows.frame.tolist(), rows.slot.tolist(), times)
    further = (rows.camera, rows.scores.tolist(), *rows.boxes.T.tolist())
    vectors = map(HalfVector, rows.vectors.astype(np.float16))
    statement = f'COPY {name}.person({", ".join(PERSON)}) FROM STDIN (FORMAT BINARY)'
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(PERSON.values()))
        for row in zip(*plain, *further, vectors, strict=True):
            copy.write_row(row)
