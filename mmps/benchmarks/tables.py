from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .timing import Quartiles


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numbers: bool = False) -> str:
    """Write a Markdown table.

    Args:
        head: Names of the columns.
        rows: Cells.
        numbers: Whether all columns but the first are numbers, which are aligned to the right.
    """
    others = '--:' if numbers else '---'
    lines = [head, ['---', *[others] * (len(head) - 1)], *rows]
    return ''.join('| ' + ' | '.join(map(str, line)) + ' |\n' for line in lines)


def spread(figures: Mapping[str, float], factor: float = 1.0) -> str:
    """Write median and quartiles to three digits.

    Args:
        figures: Fields of :class:`Quartiles`.
        factor: Conversion to another unit.
    """
    median, low, high = (digits(figures[key] * factor) for key in ('median', 'low', 'high'))
    return f'{median} ({low}-{high})'


def digits(value: float) -> str:
    """Write a number to three digits, or to all digits before the decimal point."""
    decimals = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f'{value:.{max(decimals, 0)}f}'


def as_json(value: Any) -> Any:
    """Copy nested results with quartiles as dictionaries."""
    if isinstance(value, Quartiles):
        return asdict(value)
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else value
