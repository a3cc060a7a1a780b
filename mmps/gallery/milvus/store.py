"""A gallery on a Milvus server: shards, replicas and object storage, for very many people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from threading import RLock
from typing import Any

import numpy as np

from mmps.structures import DataError

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
from .conditions import expression, is_empty
from .lines import FIELDS, count_groups, to_lines, to_rows
from .schema import (
    INDEXES,
    LIMIT,
    batches,
    delete_facts,
    read_facts,
    sentences,
    write_facts,
)

SOURCE, NOTE = 'source ', 'note '
"""Begin the keys of facts."""

TIES = 32
"""Hits that are asked for beyond those wanted, so that equal ones come in their order."""

BYTES = 8 << 20
"""Most bytes of embeddings in one request."""


class MilvusGallery:
    """A gallery on a Milvus server.

    Milvus has no transactions: people come first, then how far their source is indexed. A writer
    that is killed between repeats one batch, which changes nothing. Readers on other machines see
    changes after a few seconds; one's own are seen at once.

    Args:
        where: Address, such as ``milvus+http://host:19530/NAME``.
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
        self._changed = True
        self._digests: dict[str, str] = {}
        self._client = schema.connect(self.address)
        try:
            if self.writes and model is not None:
                schema.create(self._client, self.address, model)
            self._info, self._index = schema.read_info(self._client, self.address)
            if model is not None:
                check_same_model(self._info.model, model, self.address.shown)
        except BaseException:
            self._client.close()
            raise

    @staticmethod
    def exists(where: str) -> bool:
        """Check whether there is a gallery at an address."""
        address = Address.of(str(where))
        client = schema.connect(address)
        try:
            with sentences(address):
                return client.has_collection(schema.facts_of(address))
        finally:
            client.close()

    @property
    def info(self) -> GalleryInfo:
        """What this gallery is."""
        return self._info

    def __enter__(self) -> MilvusGallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def add(self, rows: Rows, done: Sequence[Progress] = ()) -> np.ndarray:
        """Store people, then how far their sources are indexed: see :meth:`Gallery.add`."""
        check_writes(self.address.shown, self.writes)
        check_dimension(self._info, rows)
        with self._lock, sentences(self.address):
            known = {state.source: state.digest for state in done}
            replaced = [
                state for state in done if self._digest(state.source) not in (None, state.digest)
            ]
            digests = [known.get(path) or self._digest(path) for path in rows.source]
            if None in digests:
                path = rows.source[digests.index(None)]
                raise DataError(
                    f'{self.address.shown} knows no source {path}: add its progress with its rows'
                )
            model = self._info.model.fingerprint
            ids = public_ids(model, digests, rows.frame, rows.slot)
            if len(np.unique(ids)) < len(ids):
                raise DataError('a batch holds the same person of the same frame twice')
            self._upsert(rows, ids, digests)
            for state in replaced:
                condition = expression(Where(sources=[state.source]))
                self._delete(f'{condition} and digest != "{state.digest}"')
            facts = {SOURCE + state.source: asdict(state) for state in done}
            write_facts(self._client, self.address, facts)
            self._digests |= known
            self._changed = True
        return ids

    def _digest(self, path: str) -> str | None:
        """Find the digest of a source, or ``None`` where it is unknown."""
        if path not in self._digests:
            found = read_facts(self._client, self.address, SOURCE) if self._changed else {}
            self._digests |= {
                key.removeprefix(SOURCE): state['digest'] for key, state in found.items()
            }
        return self._digests.get(path)

    def _upsert(self, rows: Rows, ids: np.ndarray, digests: list[str]) -> None:
        lines = to_lines(rows, ids, digests)
        step = max(1, BYTES // (4 * self._info.model.dimension))
        for start in range(0, len(lines), step):
            self._client.upsert(self.address.name, lines[start : start + step])

    def _delete(self, condition: str) -> None:
        self._client.delete(self.address.name, filter=condition)

    def remove(self, where: Where) -> int:
        """Remove rows: see :meth:`Gallery.remove`."""
        check_writes(self.address.shown, self.writes)
        check_given(where)
        with self._lock, sentences(self.address):
            count = self.count(where)
            if count:
                self._delete(expression(where) or 'id >= 0')
            if where.given == {'sources'} and len(where.sources):
                delete_facts(self._client, self.address, [SOURCE + path for path in where.sources])
                self._digests = {k: v for k, v in self._digests.items() if k not in where.sources}
            self._changed = True
        return count

    def _level(self) -> str:
        """How consistent a read must be: own changes are seen at once, and once is enough."""
        changed, self._changed = self._changed, False
        return 'Strong' if changed else 'Bounded'

    def search(self, vectors: np.ndarray, k: int = 100, where: Where | None = None) -> list[Hits]:
        """Find the rows most similar to each query: see :meth:`Gallery.search`.

        With another index than ``FLAT`` the server searches approximately, and hits say so.
        """
        queries = as_queries(self._info, vectors)
        if is_empty(where):
            return [Hits(np.zeros(0, np.float32), to_rows([])) for _ in queries]
        with self._lock, sentences(self.address):
            level = self._level()
            return [self._search(query, k, where, level) for query in queries]

    def _search(self, query: np.ndarray, k: int, where: Where | None, level: str) -> Hits:
        wanted = min(k + TIES, LIMIT)
        if k > LIMIT:
            k = min(k, self.count(where))
            if k > LIMIT:
                raise DataError(f'Milvus finds at most {LIMIT:,} people at once, not {k:,}')
        while True:
            (found,) = self._client.search(
                self.address.name,
                data=[query],
                filter=expression(where),
                limit=wanted,
                output_fields=FIELDS,
                search_params={'metric_type': 'IP', 'params': INDEXES[self._index][1]},
                consistency_level=level,
            )
            hits = [(hit['distance'], hit['entity']) for hit in found]
            tied = len(hits) == wanted and hits[-1][0] == hits[k - 1][0]
            if not tied or wanted == LIMIT:
                break
            wanted = min(4 * wanted, LIMIT)
        hits = sorted(hits, key=lambda hit: (-hit[0], hit[1]['added']))[:k]
        similarities = np.array([similarity for similarity, _ in hits], dtype=np.float32)
        return Hits(similarities, to_rows([row for _, row in hits]), self._index == 'FLAT')

    def rows(
        self, where: Where | None = None, *, vectors: bool = False, batch: int = 10_000
    ) -> Iterator[Rows]:
        """List rows in the order in which they were added: see :meth:`Gallery.rows`."""
        order = self._order(where)
        fields = [*FIELDS, 'vector'] if vectors else FIELDS
        for start in range(0, len(order), batch):
            found: dict[int, dict[str, Any]] = {}
            chosen = order[start : start + batch]
            with self._lock, sentences(self.address):
                for at in range(0, len(chosen), LIMIT // 16):
                    ids = chosen[at : at + LIMIT // 16]
                    parts = self._client.query(
                        self.address.name, ids=ids, output_fields=fields, consistency_level='Strong'
                    )
                    found |= {row['id']: row for row in parts}
            yield to_rows([found[public] for public in chosen if public in found], vectors)

    def _order(self, where: Where | None) -> list[int]:
        """List the public ids of rows in the order in which they were added."""
        if is_empty(where):
            return []
        with self._lock, sentences(self.address):
            name, condition = self.address.name, expression(where) or 'id >= 0'
            found = [
                (row['added'], row['id'])
                for part in batches(self._client, name, condition, ['id', 'added'])
                for row in part
            ]
        return [public for _, public in sorted(found)]

    def count(self, where: Where | None = None) -> int:
        """Count the rows that meet conditions, as they are now."""
        if is_empty(where):
            return 0
        with self._lock, sentences(self.address):
            found = self._client.query(
                self.address.name,
                filter=expression(where),
                output_fields=['count(*)'],
                consistency_level='Strong',
            )
        return int(found[0]['count(*)'])

    def progress(self) -> Mapping[str, Progress]:
        """Get how far each source is indexed, by its path."""
        with self._lock, sentences(self.address):
            found = read_facts(self._client, self.address, SOURCE)
        return {key.removeprefix(SOURCE): Progress(**state) for key, state in found.items()}

    def statistics(self) -> Statistics:
        """Count what is in it by source and camera; the server does not tell its size."""
        fields = ['id', 'source', 'camera', 'time']
        with self._lock, sentences(self.address):
            parts = batches(self._client, self.address.name, 'id >= 0', fields)
            return statistics_of(count_groups(line for part in parts for line in part), None)

    def set_note(self, name: str, content: Mapping[str, Any] | None) -> None:
        """Keep a small fact beside the rows: see :meth:`Gallery.set_note`."""
        check_writes(self.address.shown, self.writes)
        with self._lock, sentences(self.address):
            if content is not None:
                write_facts(self._client, self.address, {NOTE + name: content})
            else:
                delete_facts(self._client, self.address, [NOTE + name])

    def notes(self) -> Mapping[str, dict[str, Any]]:
        """Get all notes by their names."""
        with self._lock, sentences(self.address):
            found = read_facts(self._client, self.address, NOTE)
        return {key.removeprefix(NOTE): content for key, content in found.items()}

    def compact(self) -> None:
        """Let the server index new rows and free the space of removed ones, in the background."""
        check_writes(self.address.shown, self.writes)
        with self._lock, sentences(self.address):
            self._client.flush(self.address.name)
            self._client.compact(self.address.name)
