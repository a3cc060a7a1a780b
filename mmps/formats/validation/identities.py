"""Identities in other spellings, brought into ours."""

from __future__ import annotations

from mmps.structures import UNLABELLED

from ..annotations import ID_KEYS, person_id


def normalise_identities(content: dict, unlabelled: tuple[int, ...] = (UNLABELLED,)) -> dict:
    """Rewrite identities as ``person_id``, with ``UNLABELLED`` for people without one.

    Args:
        content: A parsed annotation file whose people have ``person_id``, ``pid`` or
            ``identity``, or nothing.
        unlabelled: Values that mean "unknown": often -1, -2 (PRW) or 5555 (some CUHK-SYSU tools).

    Returns:
        A copy; values that are no numbers stay as they are, for the checks to find.
    """
    changed = dict(content)
    for part in ('annotations', 'queries'):
        if isinstance(content.get(part), list):
            changed[part] = [_normalised(record, unlabelled) for record in content[part]]
    return changed


def _normalised(record: object, unlabelled: tuple[int, ...]) -> object:
    if not isinstance(record, dict):
        return record
    value = next((record[key] for key in ID_KEYS if key in record), None)
    if value is not None and not isinstance(value, int):
        return record
    rest = {key: kept for key, kept in record.items() if key not in ID_KEYS}
    return {**rest, 'person_id': person_id(record, unlabelled)}
