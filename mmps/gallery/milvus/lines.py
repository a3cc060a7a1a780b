"""People as Milvus keeps them, and as :class:`Rows`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..base import Group
from ..rows import Rows
from .conditions import UNKNOWN_TIME

FIELDS = [
    'id',
    'added',
    'source',
    'frame',
    'slot',
    'time',
    'camera',
    'score',
    'x1',
    'y1',
    'x2',
    'y2',
]
"""Fields of people that are read, without their embeddings."""


def to_lines(rows: Rows, ids: np.ndarray, digests: list[str]) -> list[dict[str, Any]]:
    """Write people as Milvus stores them.

    Args:
        rows: The people.
        ids: ``(n,)`` their public ids.
        digests: Of their sources.
    """
    # Half precision, as other galleries keep it: all give the same similarities.
    vectors = rows.vectors.astype(np.float16).astype(np.float32)
    first = time.time_ns()
    return [
        {
            'id': int(ids[i]),
            'vector': vectors[i],
            'added': first + i,
            'frame': int(rows.frame[i]),
            'slot': int(rows.slot[i]),
            'time': UNKNOWN_TIME if np.isnan(rows.time[i]) else float(rows.time[i]),
            'score': float(rows.scores[i]),
            **dict(zip(('x1', 'y1', 'x2', 'y2'), rows.boxes[i].tolist(), strict=True)),
            'source': rows.source[i],
            'digest': digests[i],
            'camera': rows.camera[i],
        }
        for i in range(len(rows))
    ]


def count_groups(lines: Iterable[dict[str, Any]]) -> Iterator[Group]:
    """Count the people of each source and camera.

    Args:
        lines: With ``source``, ``camera`` and ``time``.
    """
    groups: dict[tuple[str, str], list[float]] = {}
    for line in lines:
        groups.setdefault((line['source'], line['camera']), []).append(line['time'])
    for (source, camera), times in groups.items():
        known = [moment for moment in times if moment > UNKNOWN_TIME / 2]
        yield source, camera, len(times), min(known, default=None), max(known, default=None)


def to_rows(found: list[dict[str, Any]], vectors: bool = False) -> Rows:
    """Put people of the server into columns.

    Args:
        found: As Milvus returns them.
        vectors: Whether their embeddings are wanted.
    """
    if not found:
        return replace(Rows.empty(), ids=np.zeros(0))
    columns = {name: [row[name] for row in found] for name in FIELDS}
    times = np.array(columns['time'], dtype=np.float64)
    return Rows(
        vectors=np.array([row['vector'] for row in found]) if vectors else [[]] * len(found),
        boxes=np.array([columns[name] for name in ('x1', 'y1', 'x2', 'y2')], np.float32).T,
        scores=columns['score'],
        source=columns['source'],
        frame=columns['frame'],
        slot=columns['slot'],
        time=np.where(times < UNKNOWN_TIME / 2, np.nan, times),
        camera=columns['camera'],
        ids=columns['id'],
    )
