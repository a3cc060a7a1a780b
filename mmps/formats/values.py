"""The permitted values of the fields of an annotation file: one rule for each kind of value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mmps.structures import DataError

ABSENT = object()
"""Stands for a field that a record does not have."""

_LARGEST = 2**63 - 1

FARTHEST = 1_000_000
"""Pixels that a box may be away or large. Larger images do not exist, and pooling the features of
such a box takes time and memory in proportion to its sides."""


@dataclass(frozen=True)
class Rule:
    """What a field may hold.

    Attributes:
        wanted: The right values in words.
        is_right: Whether one value is right.
        are_right: A quick look at many values; it may overlook right ones, never wrong ones.
        optional: Whether ``null`` stands for a field that is not there.
    """

    wanted: str
    is_right: Callable[[Any], bool]
    are_right: Callable[[Sequence], bool] = lambda values: not values
    optional: bool = False

    def fits(self, values: Sequence) -> bool:
        """Check a column of values.

        Args:
            values: ``ABSENT`` where a record has no such field.

        Returns:
            Whether all are right, absent ones aside.
        """
        if self.are_right(values):
            return True
        given = [value for value in values if value is not ABSENT]
        if self.optional:
            given = [value for value in given if value is not None]
        return self.are_right(given) or all(map(self.accepts, given))

    def accepts(self, value: Any) -> bool:
        """Check one value, which may be absent."""
        return value is ABSENT or (self.optional and value is None) or self.is_right(value)

    def complaint(self, value: Any) -> str:
        """Return what is wrong with a value."""
        if isinstance(value, int) and abs(value) > _LARGEST:
            return f'{value} is beyond 64 bits'
        text = 'the text ' if isinstance(value, str) else ''
        return f'{text}{value!r:.40} is not {self.wanted}'


def is_whole(value: Any) -> bool:
    """Check for a whole number of 64 bits, perhaps written as ``7.0``; booleans are none."""
    if type(value) is float:
        return value.is_integer() and abs(value) <= _LARGEST
    return type(value) is int and abs(value) <= _LARGEST


def are_fractions(bboxes: Sequence[Sequence[float]]) -> bool:
    """Check whether boxes seem to be fractions of the image size instead of pixels.

    Args:
        bboxes: Boxes of a whole file, as xywh.

    Returns:
        Whether there are boxes, and no number of any is above 1.
    """
    return bool(bboxes) and all(max(bbox) <= 1 for bbox in bboxes)


def _are_whole(values: Sequence) -> bool:
    if not set(map(type, values)) <= {int}:
        return False
    return not values or (min(values) >= -_LARGEST and max(values) <= _LARGEST)


def _is_box(value: Any) -> bool:
    return type(value) is list and len(value) == 4 and all(map(_is_near, value))


def _is_near(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= FARTHEST


def _are_boxes(values: Sequence) -> bool:
    if not set(map(type, values)) <= {list} or not set(map(len, values)) <= {4}:
        return False
    if not set(map(type, chain.from_iterable(values))) <= {int, float}:
        return False
    sizes = list(map(abs, chain.from_iterable(values)))
    # A maximum may pass over NaN, a sum does not.
    return max(sizes, default=0) <= FARTHEST and math.isfinite(sum(sizes))


def _is_flag(value: Any) -> bool:
    return type(value) in (bool, int, float) and value in (0, 1)


def _are_flags(values: Sequence) -> bool:
    return set(map(type, values)) <= {int, bool} and set(values) <= {0, 1}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


WHOLE = Rule('a whole number', is_whole, _are_whole)
IDENTITY = Rule('a whole number', is_whole, _are_whole, optional=True)
CAMERA = Rule('a whole number', is_whole, _are_whole, optional=True)
VISIT = Rule('a whole number', is_whole, _are_whole, optional=True)
SIZE = Rule('a whole number above 0', lambda value: is_whole(value) and value > 0)
BOX = Rule('a list of four finite numbers up to a million', _is_box, _are_boxes)
FLAG = Rule('0 or 1', _is_flag, _are_flags, optional=True)
NAME = Rule('a name', _is_name)


def is_set(record: Mapping[str, Any], key: str, where: str) -> bool:
    """Read a flag of a record that has not been checked; one that is absent or null is not set.

    Args:
        record: Record of a file.
        key: Name of the flag.
        where: File and place, for the message.

    Raises:
        DataError: The value is no flag, such as the text ``'0'``.
    """
    value = record.get(key, ABSENT)
    if not FLAG.accepts(value):
        raise DataError(f'{where}: the field {key!r} has a wrong value ({FLAG.complaint(value)})')
    return value is not ABSENT and bool(value)
