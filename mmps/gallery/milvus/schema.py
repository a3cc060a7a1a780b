"""The collections of a gallery on a Milvus server, and connecting to it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmps.structures import DataError

from ..base import GalleryInfo, GalleryModel
from .address import Address

FORMAT = 1
"""Version of the collections below, kept among the facts."""

META = 'meta'
"""Key of the fact that says what the gallery is."""

LONG, SHORT = 4096, 512
"""Bytes of texts: paths, and names."""

LIMIT = 16_384
"""Most rows that Milvus returns at once."""

PAGE = 4096
"""Rows that are read at once."""

TIMEOUT = 60.0
"""Seconds until a request counts as failed."""

INDEXES = {
    'FLAT': ({}, {}),
    'HNSW': ({'M': 16, 'efConstruction': 200}, {'ef': 512}),
    'IVF_FLAT': ({'nlist': 1024}, {'nprobe': 64}),
}
"""Settings of an index: when it is built, and when it is searched."""


def facts_of(address: Address) -> str:
    """Name the collection of what is known beside people: progress, notes, the model."""
    return f'{address.name}_facts'


def connect(address: Address) -> Any:
    """Connect to a server.

    Args:
        address: Of the gallery.

    Raises:
        DataError: It cannot be reached, or its client is not installed.
    """
    try:
        from pymilvus import MilvusClient
    except ImportError:
        raise DataError("galleries on Milvus need a client: pip install 'mmps[milvus]'") from None
    with sentences(address):
        return MilvusClient(address.server, token=address.token, timeout=TIMEOUT)


def create(client: Any, address: Address, model: GalleryModel) -> None:
    """Make a gallery, unless it is there.

    Args:
        client: Of its server.
        address: Of the gallery.
        model: Whose embeddings it will hold.

    Raises:
        DataError: The index of the address is not known.
    """
    if address.index not in INDEXES:
        raise DataError(
            f'{address.shown}: index={address.index} must be one of {", ".join(INDEXES)}'
        )
    with sentences(address):
        _make(client, address.name, _people(client, model.dimension), address.index)
        _make(client, facts_of(address), _facts(client), 'FLAT')
        content = {
            'format': FORMAT,
            'fingerprint': model.fingerprint,
            'dimension': model.dimension,
            'recipe': model.recipe,
            'created': time.time(),
            'index': address.index,
        }
        client.load_collection(facts_of(address))
        # The fact comes last: a gallery without it is made again.
        if not read_facts(client, address, META):
            write_facts(client, address, {META: content})


def _make(client: Any, name: str, schema: Any, index: str) -> None:
    from pymilvus.exceptions import MilvusException

    if client.has_collection(name):
        return
    parameters = client.prepare_index_params()
    parameters.add_index('vector', index_type=index, metric_type='IP', params=INDEXES[index][0])
    try:
        client.create_collection(
            name, schema=schema, index_params=parameters, consistency_level='Bounded'
        )
    except MilvusException:
        if not client.has_collection(name):  # otherwise another worker was faster
            raise


def _people(client: Any, dimension: int) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field('id', DataType.INT64, is_primary=True)
    schema.add_field('vector', DataType.FLOAT_VECTOR, dim=dimension)
    for name in ('added', 'frame', 'slot'):
        schema.add_field(name, DataType.INT64)
    schema.add_field('time', DataType.DOUBLE)
    for name in ('score', 'x1', 'y1', 'x2', 'y2'):
        schema.add_field(name, DataType.FLOAT)
    schema.add_field('source', DataType.VARCHAR, max_length=LONG)
    for name in ('digest', 'camera'):
        schema.add_field(name, DataType.VARCHAR, max_length=SHORT)
    return schema


def _facts(client: Any) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field('key', DataType.VARCHAR, is_primary=True, max_length=LONG + SHORT)
    schema.add_field('value', DataType.VARCHAR, max_length=65_535)
    # Every collection of Milvus needs a vector.
    schema.add_field('vector', DataType.FLOAT_VECTOR, dim=2)
    return schema


def write_facts(client: Any, address: Address, facts: Mapping[str, Any]) -> None:
    """Keep facts by their keys.

    Args:
        client: Of the server.
        address: Of the gallery.
        facts: Plain data.
    """
    if facts:
        rows = [
            {'key': key, 'value': json.dumps(value), 'vector': [0.0, 0.0]}
            for key, value in facts.items()
        ]
        client.upsert(facts_of(address), rows)


def delete_facts(client: Any, address: Address, keys: list[str]) -> None:
    """Remove facts.

    Args:
        client: Of the server.
        address: Of the gallery.
        keys: Their keys.
    """
    # Not `ids=`, whose texts the client does not escape.
    client.delete(facts_of(address), filter=f'key in {json.dumps(keys, ensure_ascii=False)}')


def read_facts(client: Any, address: Address, prefix: str) -> dict[str, Any]:
    """Read all facts whose keys begin with a text, as they are now.

    Args:
        client: Of the server.
        address: Of the gallery.
        prefix: The text.
    """
    found = {}
    condition, fields = f'key like "{prefix}%"', ['key', 'value']
    for batch in batches(client, facts_of(address), condition, fields, 'key'):
        found |= {row['key']: json.loads(row['value']) for row in batch}
    return found


def batches(
    client: Any, collection: str, condition: str, fields: list[str], key: str = 'id'
) -> Iterator[list[dict[str, Any]]]:
    """Read all rows that meet a condition, as they are now, by rising key.

    The client's own iterator reads the past where the server is of version 2.3.

    Args:
        client: Of the server.
        collection: Its name.
        condition: An expression.
        fields: That are wanted.
        key: Field that is the primary key, one of ``fields``.
    """
    after = ''
    while True:
        batch = client.query(
            collection,
            filter=condition + after,
            output_fields=fields,
            limit=PAGE,
            consistency_level='Strong',
        )
        if batch:
            yield batch
        if len(batch) < PAGE:
            return
        last = max(row[key] for row in batch)
        after = f' and {key} > {json.dumps(last, ensure_ascii=False)}'


def read_info(client: Any, address: Address) -> tuple[GalleryInfo, str]:
    """Read what a gallery is.

    Args:
        client: Of its server.
        address: Of the gallery.

    Returns:
        The gallery, and the name of its index.

    Raises:
        DataError: There is none, or it has a newer format.
    """
    with sentences(address):
        there = client.has_collection(facts_of(address))
        for name in (address.name, facts_of(address)) if there else ():
            client.load_collection(name)  # a server that was started again loads them late
        meta = read_facts(client, address, META).get(META) if there else None
    if meta is None:
        raise DataError(
            f'{address.shown} has no gallery {address.name}; make one with: mmps index '
            f"'{address.shown}' INPUT..."
        )
    if meta['format'] > FORMAT:
        raise DataError(
            f'{address.shown} has format {meta["format"]}, this version of mmps reads up to '
            f'{FORMAT}: update mmps (pip install -U mmps)'
        )
    model = GalleryModel(meta['fingerprint'], meta['dimension'], meta['recipe'])
    return GalleryInfo(address.shown, model, meta['format'], meta['created']), meta['index']


@contextmanager
def sentences(address: Address) -> Iterator[None]:
    """Turn the errors of server and client into one sentence about the gallery.

    Args:
        address: Of the gallery.
    """
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        reason = ' '.join(str(error.message).split())[:300]
        raise DataError(f'{address.shown}: {reason}') from None
