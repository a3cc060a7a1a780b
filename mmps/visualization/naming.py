"""One name and one colour for each system, in every figure and table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from .figures import SERIES

KNOWN = {**dict(zip(('J2', 'J3', 'J4', 'Disj.'), SERIES, strict=False)), 'detector': '#4b5563'}
"""Colours of the paper's systems."""

_NAMES = {'colour': 'colour stripes', 'disjoint': 'Disj.', 'j2': 'J2', 'j3': 'J3', 'j4': 'J4'}
_UNTRAINED = 'untrained_'


def readable_name(key: str) -> str:
    """Return the readable name of a key of ``results.json`` or of a work directory.

    Args:
        key: Key such as ``j2`` or ``untrained_j2``.
    """
    variant = key.removeprefix(_UNTRAINED)
    name = _NAMES.get(variant, variant)
    return f'untrained {name}' if key != variant else name


def colours(names: Sequence[str]) -> list[str]:
    """Choose a colour for each of several names: its own, or one that none of them has.

    Args:
        names: Names from :func:`readable_name`.
    """
    taken = {KNOWN[name] for name in names if name in KNOWN}
    free = cycle([colour for colour in SERIES if colour not in taken] or SERIES)
    return [KNOWN.get(name) or next(free) for name in names]
