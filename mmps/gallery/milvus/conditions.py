"""Conditions on rows in the language of Milvus."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np

from ..rows import Where

UNKNOWN_TIME = -1e300
"""Time of a row where it is unknown: Milvus 2.3 stores neither nothing nor NaN."""


def expression(where: Where | None) -> str:
    """Write conditions as an expression on the fields of people.

    Args:
        where: The conditions.

    Returns:
        An empty text where there are none.
    """
    where = where or Where()
    parts = []
    if where.cameras is not None:
        parts.append(f'camera in {_list(where.cameras)}')
    if where.sources is not None:
        parts.append(f'source in {_list(where.sources)}')
    if where.since is not None:
        parts.append(f'time >= {float(where.since)!r}')
    if where.until is not None:
        parts += [f'time <= {float(where.until)!r}', f'time > {UNKNOWN_TIME / 2!r}']
    if where.min_score is not None:
        parts.append(f'score >= {float(np.float32(where.min_score))!r}')
    if where.ids is not None:
        parts.append(f'id in {_list(map(int, where.ids))}')
    if where.not_ids is not None and len(where.not_ids):
        parts.append(f'id not in {_list(map(int, where.not_ids))}')
    return ' and '.join(parts)


def is_empty(where: Where | None) -> bool:
    """Check whether conditions name an empty list, which nothing passes and Milvus rejects."""
    where = where or Where()
    lists = (where.cameras, where.sources, where.ids)
    return any(given is not None and not len(given) for given in lists)


def _list(values: Iterable[str | int]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
