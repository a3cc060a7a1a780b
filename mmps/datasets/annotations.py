"""The one annotation format: COCO JSON with identities, cameras and queries."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mmps.structures import UNLABELLED, DataError

ID_KEYS = ('person_id', 'pid', 'identity')
"""Spellings of a person's identity that are read; we write the first."""


def read_annotations(path: str | Path) -> dict[str, Any]:
    """Read an annotation file and check that its parts are there.

    Args:
        path: JSON file with ``images``, ``annotations`` and, for test sets, ``queries``.

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
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f'{path} is no JSON ({error}); convert the data set again') from error
    missing = [key for key in ('images', 'annotations') if key not in content]
    if not isinstance(content, dict) or missing:
        raise DataError(f'{path} has no {missing}: it is no COCO-style annotation file')
    return content


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
