"""The one annotation format: COCO JSON with identities, cameras and queries."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from mmps.structures import UNLABELLED, DataError

ID_KEYS = ('person_id', 'pid', 'identity')
"""Spellings of a person's identity that are read; we write the first."""

PICTURE_KEYS = ('id', 'file_name', 'width', 'height')
"""What each of ``images`` needs for its picture to be loaded."""

_PERSON_KEYS = ('image_id', 'bbox', 'person_id')


def read_annotations(path: str | Path, image_keys: tuple[str, ...] = ('id',)) -> dict[str, Any]:
    """Read an annotation file and check that what is used of it is there.

    Args:
        path: JSON file with ``images``, ``annotations`` and, for test sets, ``queries``.
        image_keys: What each of ``images`` must have.

    Returns:
        The file's content.

    Raises:
        DataError: The file is missing, no JSON, or not in this format.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            f'{path} does not exist: convert the data set first, with a script of '
            'tools/dataset_converters, or mend `ann_file` in the config'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f'{path} is no JSON ({error}); convert the data set again') from error
    parts = content if isinstance(content, dict) else {}
    keys = {'images': image_keys, 'annotations': _PERSON_KEYS}
    if 'queries' in parts:
        keys['queries'] = _PERSON_KEYS
    missing = [part for part in keys if not isinstance(parts.get(part), list)]
    if missing:
        raise DataError(f'{path} has no lists {missing}: it is no COCO-style annotation file')
    for part, fields in keys.items():
        for index, record in enumerate(content[part]):
            _check_record(record, fields, f'{path}: {part}[{index}]')
    return content


def _check_record(record: Any, fields: tuple[str, ...], where: str) -> None:
    wrong = [field for field in fields if not _is_right(record, field)]
    if wrong:
        raise DataError(
            f'{where} has no valid {wrong[0]!r}; tools/misc/validate_dataset.py names everything '
            'that is wrong with the file'
        )


def _is_right(record: Any, field: str) -> bool:
    value = record.get(field) if isinstance(record, dict) else None
    if field == 'person_id':
        return isinstance(record, dict) and _has_readable_identity(record)
    if field == 'bbox':
        return isinstance(value, list) and len(value) == 4 and all(map(_is_finite, value))
    if field in ('width', 'height'):
        return _is_finite(value)
    return isinstance(value, int | float | str)


def _has_readable_identity(record: dict[str, Any]) -> bool:
    try:
        person_id(record)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def annotations_by_image(content: dict[str, Any], path: str | Path) -> dict[int, list[dict]]:
    """Group annotations by image, each with its position in the file as ``ann_index``.

    Args:
        content: From :func:`read_annotations`.
        path: The file, for messages.

    Returns:
        A list, perhaps empty, for each image id, in the order of ``images``.

    Raises:
        DataError: An annotation names an image that the file does not list.
    """
    groups: dict[int, list[dict]] = {image['id']: [] for image in content['images']}
    for index, annotation in enumerate(content['annotations']):
        if annotation['image_id'] not in groups:
            raise DataError(
                f'{path}: annotation {index} names image_id {annotation["image_id"]}, which is '
                'not among its `images`; remove the annotation or add the image'
            )
        groups[annotation['image_id']].append({**annotation, 'ann_index': index})
    return groups


def listing_digest(content: dict[str, Any]) -> str:
    """Sum up which pictures and queries a file lists, under which numbers.

    Galleries name pictures by ``id`` and queries by position, so that they fit any file with the
    same digest, and no other one.

    Args:
        content: A file whose pictures have ``id``, and whose queries ``image_id`` and ``bbox``.

    Returns:
        64 hexadecimal digits. People may be corrected without changing them.
    """
    pictures = sorted([int(image['id']), image.get('file_name')] for image in content['images'])
    queries = [[int(q['image_id']), *map(float, q['bbox'])] for q in content.get('queries', ())]
    return hashlib.sha256(json.dumps([pictures, queries]).encode()).hexdigest()


def person_id(annotation: dict[str, Any], unlabelled: tuple[int, ...] = (UNLABELLED,)) -> int:
    """Read an annotation's identity, in any spelling of ``ID_KEYS``.

    Args:
        annotation: One entry of ``annotations``.
        unlabelled: Values that stand for an unknown person in this file.

    Returns:
        The identity, or ``UNLABELLED``.
    """
    value = next((annotation[key] for key in ID_KEYS if key in annotation), UNLABELLED)
    return UNLABELLED if value is None or value in unlabelled else int(value)
