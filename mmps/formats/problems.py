"""Problems that a validation finds, with their places, collected into one report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 3


@dataclass(frozen=True)
class Problem:
    """One problem, or unexpected entry, in one place.

    Attributes:
        kind: Description, in the same words for the same problem.
        where: The place in the file.
        is_error: Whether the file cannot be used as it is.
    """

    kind: str
    where: str
    is_error: bool = True


def report(problems: Iterable[Problem]) -> list[str]:
    """Summarise problems, errors first.

    Args:
        problems: All problems.

    Returns:
        One line per kind of problem, with the first places.
    """
    groups: dict[tuple[bool, str], list[str]] = {}
    for problem in problems:
        groups.setdefault((problem.is_error, problem.kind), []).append(problem.where)
    lines = []
    for (is_error, kind), places in sorted(groups.items(), key=lambda group: not group[0][0]):
        more = f' and {len(places) - _SHOWN} more' if len(places) > _SHOWN else ''
        level = 'error' if is_error else 'warning'
        lines.append(f'{level}: {kind}: {", ".join(places[:_SHOWN])}{more}')
    return lines
