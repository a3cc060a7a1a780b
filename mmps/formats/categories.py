"""The categories of a file that are people, and those of regions to ignore."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PERSON_NAMES = ('person', 'persons', 'people', 'pedestrian', 'pedestrians')
"""Names of the category that is kept where none is chosen, in any case."""


@dataclass(frozen=True)
class Categories:
    """The roles of a file's categories.

    Attributes:
        people: Ids of those whose boxes are people.
        ignored: Ids of those whose boxes are ignore regions.
        names: Name of each id.
        missing: What is wrong with the choice, empty where nothing is.
    """

    people: frozenset[int]
    ignored: frozenset[int]
    names: dict[int, str]
    missing: str = ''

    @property
    def all_people(self) -> bool:
        """Whether there is nothing to tell apart; a file without categories holds people."""
        return len(self.people) == len(self.names)


def find_categories(records: Sequence[dict], classes: Sequence[str] | None) -> Categories:
    """Decide what the boxes of each category are.

    Args:
        records: Entries of ``categories``, whose ids and names were checked.
        classes: Names of those that are people; if not given, those of ``PERSON_NAMES``, or the
            only one that does not mean ignore.

    Returns:
        The roles; ``missing`` says where none is a person, or a name of ``classes`` is not there.
    """
    names = {int(record['id']): record['name'] for record in records}
    wanted = {_plain(name) for name in (PERSON_NAMES if classes is None else classes)}
    people = {key for key, name in names.items() if _plain(name) in wanted}
    ignored = {key for key, name in names.items() if _means_ignore(name)} - people
    rest = names.keys() - people - ignored
    if classes is None and not people and len(rest) == 1:
        people = rest
    missing = _missing(names, wanted, not rest or bool(people), chosen=classes is not None)
    return Categories(frozenset(people), frozenset(ignored), names, missing)


def _missing(names: dict[int, str], wanted: set[str], found: bool, *, chosen: bool) -> str:
    listed = ', '.join(names.values())
    if chosen and names:
        absent = sorted(wanted - {_plain(name) for name in names.values()})
        return f'no category is called {absent[0]!r}: there are {listed}' if absent else ''
    if not found:
        return f'none of the categories ({listed:.200}) is called person: choose by `classes`'
    return ''


def _plain(name: str) -> str:
    return ' '.join(str(name).lower().split())


def _means_ignore(name: str) -> bool:
    letters = re.sub('[^a-z]', '', name.lower())
    return letters.startswith('ignor') or letters in ('dontcare', 'donotcare', 'dontcares')
