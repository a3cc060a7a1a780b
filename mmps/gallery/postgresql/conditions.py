"""Conditions on rows in the language of the server."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rows import Where


def condition(where: Where | None, name: str) -> tuple[str, dict[str, Any]]:
    """Write conditions as SQL.

    Args:
        where: The conditions.
        name: Of the gallery.

    Returns:
        A condition on the columns of ``person p``, and its parameters.
    """
    where = where or Where()
    sources = f'p.source IN (SELECT id FROM {name}.source WHERE path = ANY(%(sources)s))'
    known = {
        'cameras': 'p.camera = ANY(%(cameras)s)',
        'since': 'p.time >= %(since)s',
        'until': 'p.time <= %(until)s',
        'min_score': 'p.score >= %(min_score)s::real',
        'sources': sources,
        'ids': 'p.public = ANY(%(ids)s)',
        'not_ids': 'p.public <> ALL(%(not_ids)s)',
    }
    chosen = {key: text for key, text in known.items() if key in where.given}
    values = {key: _plain(getattr(where, key)) for key in chosen}
    return ' AND '.join(chosen.values()) or 'true', values


def _plain(value: Any) -> Any:
    """Return numbers and lists of Python, which the client knows."""
    if np.ndim(value) == 0:
        return float(value)
    return [item if isinstance(item, str) else int(item) for item in value]
