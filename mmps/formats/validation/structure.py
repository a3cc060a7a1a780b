"""Checks on the shape of an annotation file: parts, fields, types and references."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .problems import Problem

_PARTS = {'images': True, 'annotations': True, 'categories': True, 'queries': False}


def check_structure(content: Any) -> Iterator[Problem]:
    """Check everything that later checks rely on.

    Args:
        content: The parsed JSON file.

    Yields:
        Errors only; with any, the file cannot be checked further.
    """
    if not isinstance(content, dict):
        yield Problem('the file is not a JSON object', 'the whole file')
        return
    for part, needed in _PARTS.items():
        if part not in content:
            if needed:
                yield Problem(f'there is no list {part!r}', 'the whole file')
        elif not isinstance(content[part], list):
            yield Problem(f'{part!r} is not a list', 'the whole file')
        else:
            yield from _check_records(content[part], part)


def check_references(content: dict) -> Iterator[Problem]:
    """Check that ids are unique and that what they name exists.

    Args:
        content: A file whose structure is right.

    Yields:
        Errors.
    """
    for part in ('images', 'annotations', 'categories'):
        yield from _check_unique(content[part], part)
    images = {image['id'] for image in content['images']}
    categories = {category['id'] for category in content['categories']}
    for part in ('annotations', 'queries'):
        for k, record in enumerate(content.get(part, ())):
            if record['image_id'] not in images:
                yield Problem('no image has this image_id', f'{part}[{k}] ({record["image_id"]})')
    for k, record in enumerate(content['annotations']):
        if record['category_id'] not in categories:
            yield Problem('no category has this category_id', f'annotations[{k}]')


def _check_records(records: list, part: str) -> Iterator[Problem]:
    checks = {
        'images': {'id': _is_id, 'file_name': _is_name, 'width': _is_size, 'height': _is_size},
        'annotations': {'id': _is_id, 'image_id': _is_id, 'category_id': _is_id, 'bbox': _is_box},
        'categories': {'id': _is_id, 'name': _is_name},
        'queries': {'image_id': _is_id, 'bbox': _is_box, 'person_id': _is_id},
    }[part]
    if part in ('images', 'queries'):
        checks['camera_id'] = _is_camera
    for k, record in enumerate(records):
        if not isinstance(record, dict):
            yield Problem('an entry is not a JSON object', f'{part}[{k}]')
            continue
        for field, is_right in checks.items():
            if field not in record and is_right is not _is_camera:
                yield Problem(f'the field {field!r} is missing', f'{part}[{k}]')
            elif not is_right(record.get(field)):
                shown = repr(record[field])[:40]
                yield Problem(f'the field {field!r} has a wrong value', f'{part}[{k}] ({shown})')


def _check_unique(records: list[dict], part: str) -> Iterator[Problem]:
    seen = set()
    for k, record in enumerate(records):
        if record['id'] in seen:
            yield Problem('an id occurs twice', f'{part}[{k}] (id {record["id"]})')
        seen.add(record['id'])


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_camera(value: Any) -> bool:
    """Absent and null are the same: nobody knows the camera."""
    return value is None or _is_id(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_size(value: Any) -> bool:
    return _is_id(value) and value > 0


def _is_box(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        and all(math.isfinite(v) for v in value)
    )
