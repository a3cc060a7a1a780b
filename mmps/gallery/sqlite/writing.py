"""What one transaction of a writer does to the tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmps.structures import DataError

from ..base import Group, Progress
from ..rows import Rows

STATE = tuple(Progress.__dataclass_fields__)
SOURCE = ('path', *STATE[1:])
"""Columns of table ``source`` beside its key, in the order of the fields of ``Progress``."""


def count_groups(connection: sqlite3.Connection) -> Iterator[Group]:
    """Count the people of each source and camera."""
    yield from connection.execute(
        'SELECT s.path, c.name, count(*), min(p.time), max(p.time) FROM person p '
        'JOIN source s ON s.id = p.source JOIN camera c ON c.id = p.camera GROUP BY s.id, c.id'
    )


NOTE = 'note '
"""Begins the names of notes in table ``meta``."""


def read_notes(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Read small facts that are kept beside the rows, by their names."""
    found = connection.execute('SELECT key, value FROM meta WHERE key GLOB ?', (f'{NOTE}*',))
    return {key.removeprefix(NOTE): json.loads(value) for key, value in found}


def set_note(connection: sqlite3.Connection, name: str, content: Mapping[str, Any] | None) -> None:
    """Keep a small fact, or remove it.

    Args:
        connection: In a transaction.
        name: Under which it is found.
        content: Plain data, or ``None``.
    """
    connection.execute('DELETE FROM meta WHERE key = ?', (NOTE + name,))
    if content is not None:
        values = (NOTE + name, json.dumps(content))
        connection.execute('INSERT INTO meta VALUES (?, ?)', values)


def read_progress(connection: sqlite3.Connection) -> Iterator[Progress]:
    """Read how far sources are indexed, in the order in which they came."""
    for row in connection.execute(f'SELECT {", ".join(SOURCE)} FROM source ORDER BY id'):
        state = Progress(*row)
        yield replace(state, finished=bool(state.finished))


def set_progress(connection: sqlite3.Connection, state: Progress) -> None:
    """Store how far a source is indexed; its people leave where its content has changed.

    Args:
        connection: In a transaction.
        state: Of the source.
    """
    statement = 'SELECT id, digest FROM source WHERE path = ?'
    found = connection.execute(statement, (state.source,)).fetchone()
    values = list(asdict(state).values())
    if found is None:
        marks = ', '.join('?' * len(SOURCE))
        connection.execute(f'INSERT INTO source({", ".join(SOURCE)}) VALUES ({marks})', values)
        return
    key, digest = found
    if digest != state.digest:
        remove_people(connection, 'source = ?', [(key,)])
    assignments = ', '.join(f'{name} = ?' for name in SOURCE)
    connection.execute(f'UPDATE source SET {assignments} WHERE id = ?', [*values, key])


def digests_of(connection: sqlite3.Connection, sources: Sequence[str], path: Path) -> list[str]:
    """Get the digest of each row's source.

    Args:
        connection: To the gallery.
        sources: ``(n,)`` paths.
        path: Of the gallery, for the message.

    Raises:
        DataError: A source is unknown.
    """
    digests = {}
    for source in dict.fromkeys(sources):
        statement = 'SELECT digest FROM source WHERE path = ?'
        found = connection.execute(statement, (source,)).fetchone()
        if found is None:
            raise DataError(f'{path} knows no source {source}: add its progress with its rows')
        digests[source] = found[0]
    return [digests[source] for source in sources]


def insert(
    connection: sqlite3.Connection,
    rows: Rows,
    ids: np.ndarray,
    sources: np.ndarray,
    cameras: np.ndarray,
) -> None:
    """Store people who are not there yet.

    Args:
        connection: In a transaction.
        rows: The people.
        ids: ``(n,)`` their public ids.
        sources: ``(n,)`` numbers of their sources.
        cameras: ``(n,)`` numbers of their cameras.
    """
    first = _next_key(connection)
    keys = range(first, first + len(rows))
    times = [None if np.isnan(time) else time for time in rows.time.tolist()]
    before = (column.tolist() for column in (ids, sources, rows.frame, rows.slot))
    after = (cameras.tolist(), rows.scores.tolist(), *rows.boxes.T.tolist())
    connection.executemany(
        'INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        zip(keys, *before, times, *after, strict=True),
    )
    halves = rows.vectors.astype('<f2').tobytes()
    size = 2 * rows.vectors.shape[1]
    connection.executemany(
        'INSERT INTO vector VALUES (?, ?)',
        ((key, halves[at * size : (at + 1) * size]) for at, key in enumerate(keys)),
    )
    connection.executemany('INSERT INTO public VALUES (?, ?)', zip(ids.tolist(), keys, strict=True))


def _next_key(connection: sqlite3.Connection) -> int:
    """Return a key above all that ever were: those of removed people never come again."""
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'person'").fetchone()
    return last[0] + 1 if last else 1


def remove_public(connection: sqlite3.Connection, ids: np.ndarray) -> None:
    """Remove the people who have some public ids, where they are there.

    Args:
        connection: In a transaction.
        ids: ``(n,)``, all different.

    Raises:
        DataError: Two ids are equal.
    """
    if len(np.unique(ids)) < len(ids):
        raise DataError('a batch holds the same person of the same frame twice')
    statement = 'SELECT person FROM public WHERE id = ?'
    found = (connection.execute(statement, (public,)).fetchone() for public in ids.tolist())
    remove_people(connection, 'id = ?', [key for key in found if key])


def remove_people(connection: sqlite3.Connection, condition: str, values: Sequence[tuple]) -> int:
    """Remove people, and note for readers that some are gone.

    Args:
        connection: In a transaction.
        condition: On columns of table ``person``, with a mark for each value.
        values: One tuple for each time that the condition is applied.

    Returns:
        How many people were removed.
    """
    for table, column, wanted in (('public', 'id', 'public'), ('vector', 'person', 'id')):
        chosen = f'SELECT {wanted} FROM person WHERE {condition}'
        connection.executemany(f'DELETE FROM {table} WHERE {column} IN ({chosen})', values)
    before = connection.total_changes
    connection.executemany(f'DELETE FROM person WHERE {condition}', values)
    removed = connection.total_changes - before
    if removed:
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'removals'")
    return removed
