"""The tables of a gallery on a server, and connecting to it."""

from __future__ import annotations

import json
import time
from types import ModuleType
from typing import Any

from mmps.structures import DataError

from ..base import GalleryInfo, GalleryModel
from .address import Address

FORMAT = 1
"""Version of the tables below, kept in table ``meta``."""

MAX_DIMENSION = 3_800
"""Numbers of an embedding that fit into a page of the server beside the other columns."""

TABLES = """
CREATE SCHEMA IF NOT EXISTS {name};
CREATE TABLE {name}.meta(key text PRIMARY KEY, value jsonb NOT NULL);
CREATE TABLE {name}.source(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, path text UNIQUE NOT NULL,
    digest text NOT NULL, size bigint, mtime bigint, last_frame bigint, finished boolean,
    camera text, width integer, height integer, every float8, start float8, time_origin text,
    problem text);
CREATE TABLE {name}.person(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, public bigint UNIQUE NOT NULL,
    source bigint NOT NULL, frame integer NOT NULL, slot integer NOT NULL, time float8,
    camera text NOT NULL, score real NOT NULL, x1 real NOT NULL, y1 real NOT NULL,
    x2 real NOT NULL, y2 real NOT NULL, vector halfvec({dimension}) NOT NULL);
ALTER TABLE {name}.person ALTER COLUMN vector SET STORAGE PLAIN;
CREATE INDEX ON {name}.person(source);
CREATE INDEX ON {name}.person(camera, time);
"""
# `person.id` only grows, so it is the order in which people came. By the index on cameras a filter
# that 1 % of a million people pass takes 0.09 instead of 0.7 times a bare product.


def driver() -> ModuleType:
    """Import the client of PostgreSQL.

    Raises:
        DataError: It is not installed.
    """
    try:
        import pgvector.psycopg  # noqa: F401
        import psycopg
    except ImportError:
        raise DataError(
            "galleries on PostgreSQL need a client: pip install 'mmps[postgresql]'"
        ) from None
    return psycopg


def connect(address: Address, writes: bool = False) -> Any:
    """Connect to a server.

    Args:
        address: Of the gallery.
        writes: Whether commits must be on disk before they return, whatever the server's default.

    Raises:
        DataError: It cannot be reached, or refuses.
    """
    psycopg = driver()
    with sentences(address):
        connection = psycopg.connect(
            address.connection, autocommit=True, application_name='mmps', connect_timeout=30
        )
        if writes and _one(connection, 'SHOW synchronous_commit') == 'off':
            connection.execute('SET synchronous_commit = on')
    return connection


def exists(connection: Any, address: Address) -> bool:
    """Check whether there is a gallery.

    Args:
        connection: To its server.
        address: Of the gallery.
    """
    table = f'{address.name}.meta'
    return _one(connection, 'SELECT to_regclass(%s) IS NOT NULL', (table,))


def create(connection: Any, address: Address, model: GalleryModel) -> None:
    """Make a gallery, unless it is there.

    Args:
        connection: To its server.
        address: Of the gallery.
        model: Whose embeddings it will hold.

    Raises:
        DataError: The server has no pgvector, or the user may not make tables.
    """
    if model.dimension > MAX_DIMENSION:
        raise DataError(
            f'embeddings of {model.dimension} numbers do not fit: PostgreSQL holds up to '
            f'{MAX_DIMENSION:,}; take a file instead'
        )
    psycopg = driver()
    with sentences(address), connection.transaction():
        # Two workers may begin at the same moment.
        connection.execute('SELECT pg_advisory_xact_lock(hashtext(%s))', (address.name,))
        if exists(connection, address):
            return
        if not _one(connection, "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"):
            try:
                connection.execute('CREATE EXTENSION vector')
            except psycopg.Error as error:
                raise DataError(
                    f'{address.shown}: the server has no pgvector ({error.diag.message_primary}): '
                    'let its administrator install it and run CREATE EXTENSION vector'
                ) from None
        # An identifier and a number that are checked.
        connection.execute(TABLES.format(name=address.name, dimension=int(model.dimension)))
        values = {
            'format': FORMAT,
            'fingerprint': model.fingerprint,
            'dimension': model.dimension,
            'recipe': model.recipe,
            'created': time.time(),
        }
        for key, value in values.items():
            statement = f'INSERT INTO {address.name}.meta VALUES (%s, %s)'
            connection.execute(statement, (key, json.dumps(value)))


def read_info(connection: Any, address: Address) -> GalleryInfo:
    """Read what a gallery is.

    Args:
        connection: To its server.
        address: Of the gallery.

    Raises:
        DataError: There is none, or it has a newer format.
    """
    with sentences(address):
        if not exists(connection, address):
            raise DataError(
                f'{address.shown} has no gallery {address.name}; make one with: mmps index '
                f"'{address.shown}' INPUT..."
            )
        meta = dict(connection.execute(f'SELECT key, value FROM {address.name}.meta').fetchall())
    if meta['format'] > FORMAT:
        raise DataError(
            f'{address.shown} has format {meta["format"]}, this version of mmps reads up to '
            f'{FORMAT}: update mmps (pip install -U mmps)'
        )
    model = GalleryModel(meta['fingerprint'], meta['dimension'], meta['recipe'])
    return GalleryInfo(address.shown, model, meta['format'], meta['created'])


def _one(connection: Any, statement: str, values: tuple = ()) -> Any:
    return connection.execute(statement, values).fetchone()[0]


class sentences:  # noqa: N801 (reads as a phrase in a with statement)
    """Turns the errors of server and client into one sentence about the gallery.

    Args:
        address: Of the gallery.
    """

    def __init__(self, address: Address) -> None:
        self.address = address

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        psycopg = driver()
        if not isinstance(error, psycopg.Error):
            return
        said = error.diag.message_primary or str(error)
        lines = ' '.join(said.split())
        if isinstance(error, psycopg.errors.DiskFull):
            lines = f'the disk is full; nothing of this batch was stored ({lines})'
        elif isinstance(error, psycopg.errors.InsufficientPrivilege):
            lines = f'the user may not do this ({lines})'
        elif isinstance(error, psycopg.OperationalError):
            lines = f'the server cannot be reached ({lines}); what was stored is safe'
        raise DataError(f'{self.address.shown}: {lines}') from None
