"""Spellings of identities, cameras and ignore regions, and the choices that a file leaves open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from numbers import Integral
from operator import itemgetter
from typing import Any

from mmps.structures import UNLABELLED, ConfigError

from .values import ABSENT

ID_KEYS = ('person_id', 'pid', 'identity')
"""Spellings of a person's identity that are read; we write the first."""

CAMERA_KEYS = ('camera_id', 'cam_id')
"""Spellings of a camera that are read; we write the first."""

IGNORE_KEYS = ('iscrowd', 'ignore')
"""Flags of ignore regions that are read; we write the first."""

KNOWN_KEY = 'is_known'
"""Flag of people whose identity is known; false where it is not, whatever number they have."""

VISIT_KEY = 'visit'
"""One uninterrupted appearance of a person before one camera; its number is unique in the file."""


@dataclass(frozen=True)
class Reading:
    """How to read an annotation file where it leaves a choice.

    Attributes:
        unlabelled_ids: Identities that mean unknown in this file; negative ones always do.
        identity_key: Field that holds the identities, such as ``attributes.track_id``; each dot
            leads into an object. Where a record lacks it, ``person_id``, ``pid`` or ``identity``.
        classes: Names of the categories that are people; if not given, those named person,
            pedestrian or people, or the only one.
    """

    unlabelled_ids: tuple[int, ...] = ()
    identity_key: str | None = None
    classes: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        unlabelled_ids: int | Collection[int] | None = None,
        identity_key: str | None = None,
        classes: str | Sequence[str] | None = None,
    ) -> Reading:
        """Build from values of a config or a command line, where one value may stand alone.

        Raises:
            ConfigError: A value is of another type.
        """
        ids = _several('unlabelled_ids', unlabelled_ids, Integral, 'whole numbers, such as 5555')
        keys = _several('identity_key', identity_key, str, 'the name of a field')
        names = _several('classes', classes, str, 'names of categories')
        return cls(ids, keys[0] if keys else None, names or None)

    @property
    def identity_keys(self) -> tuple[str, ...]:
        """Fields that may hold an identity, the first that a record has counts."""
        return ID_KEYS if self.identity_key is None else (self.identity_key, *ID_KEYS)


def _several(name: str, value: Any, kind: type, wanted: str) -> tuple:
    """Return the values of a setting; an empty text is none."""
    alone = isinstance(value, str | Integral)
    values = ((value,) if value != '' else ()) if alone else value or ()
    if not isinstance(values, Collection) or not all(isinstance(v, kind) for v in values):
        raise ConfigError(f'{name} must be {wanted}, not {value!r}')
    return tuple(values)


def column(records: Sequence[dict], key: str) -> list[Any]:
    """Collect a field.

    Args:
        records: Entries of a list of the file.
        key: Its name; where no record has it, each of its dots leads into an object.

    Returns:
        One value a record, ``ABSENT`` where it has none.
    """
    try:  # nearly always every record has the field, and this is three times as fast
        return list(map(itemgetter(key), records))
    except KeyError:
        values = [record.get(key, ABSENT) for record in records]
    outer, dot, inner = key.rpartition('.')
    if not dot or any(value is not ABSENT for value in values):
        return values
    return [
        value.get(inner, ABSENT) if isinstance(value, dict) else ABSENT
        for value in column(records, outer)
    ]


def fields_of(records: Sequence[dict]) -> set[str]:
    """Collect the names of all fields, those inside objects as ``outer.inner``, at any depth."""
    names: set[str] = set()
    levels = [('', records)]
    while levels:
        prefix, entries = levels.pop()
        names.update(prefix + key for key in set(chain.from_iterable(entries)))
        if dict not in set(map(type, chain.from_iterable(map(dict.values, entries)))):
            continue
        inside: dict[str, list[dict]] = {}
        for key, value in chain.from_iterable(map(dict.items, entries)):
            if type(value) is dict:
                inside.setdefault(key, []).append(value)
        levels += [(f'{prefix}{key}.', group) for key, group in inside.items()]
    return names


def identities(records: Sequence[dict], reading: Reading) -> list[int]:
    """Read identities of records whose values were checked.

    Args:
        records: Entries of ``annotations`` or ``queries``.
        reading: Options of the reader.

    Returns:
        One a record, ``UNLABELLED`` where unknown.
    """
    values = _first_given(records, reading.identity_keys)
    disowned = [flag is not ABSENT and flag is not None and not flag
                for flag in column(records, KNOWN_KEY)]  # fmt: skip
    unknown = {ABSENT, None, *reading.unlabelled_ids}
    return [
        UNLABELLED if value in unknown or value < 0 or without else int(value)
        for value, without in zip(values, disowned, strict=True)
    ]


def cameras(records: Sequence[dict]) -> list[int | None]:
    """Read cameras of records whose values were checked.

    Args:
        records: Entries of ``images`` or ``queries``.

    Returns:
        One a record, ``None`` where unknown.
    """
    values = _first_given(records, CAMERA_KEYS)
    return [None if v is ABSENT or v is None or v < 0 else int(v) for v in values]


def visits(records: Sequence[dict]) -> list[int | None]:
    """Read visits of records whose values were checked.

    Args:
        records: Entries of ``annotations`` or ``queries``.

    Returns:
        One a record, ``None`` where unknown.
    """
    values = column(records, VISIT_KEY)
    return [None if v is ABSENT or v is None or v < 0 else int(v) for v in values]


def ignore_flags(records: Sequence[dict]) -> list[bool]:
    """Read which of some annotations, whose values were checked, say that they are to be ignored.

    Args:
        records: Entries of ``annotations``.

    Returns:
        One a record.
    """
    crowd, ignore = ([v is not ABSENT and bool(v) for v in column(records, key)]
                     for key in IGNORE_KEYS)  # fmt: skip
    return [a or b for a, b in zip(crowd, ignore, strict=True)]


def _first_given(records: Sequence[dict], keys: Sequence[str]) -> list[Any]:
    """Collect the first of several fields that each record has."""
    values = column(records, keys[0])
    for key in keys[1:]:
        if ABSENT not in values:
            break
        others = column(records, key)
        values = [b if a is ABSENT else a for a, b in zip(values, others, strict=True)]
    return values
