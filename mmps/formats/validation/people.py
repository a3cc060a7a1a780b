"""Checks on boxes, identities, cameras and queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mmps.structures import UNLABELLED

from .problems import Problem

_SAME_PERSON_IOU = 0.3


def check_boxes(content: dict) -> Iterator[Problem]:
    """Check every box against its picture.

    Args:
        content: A file whose structure and references are right.

    Yields:
        Errors for boxes without area or outside the picture, warnings for the rest.
    """
    images = {image['id']: image for image in content['images']}
    seen: set[tuple] = set()
    for part in ('annotations', 'queries'):
        for k, record in enumerate(content.get(part, ())):
            x, y, w, h = record['bbox']
            image, where = images[record['image_id']], f'{part}[{k}] ({record["bbox"]})'
            if w <= 0 or h <= 0:
                yield Problem('a box has no area', where)
            elif x >= image['width'] or y >= image['height'] or x + w <= 0 or y + h <= 0:
                yield Problem('a box is outside its picture', where)
            elif x < 0 or y < 0 or x + w > image['width'] or y + h > image['height']:
                yield Problem('a box leaves its picture', where, is_error=False)
    for k, record in enumerate(content['annotations']):
        key = (record['image_id'], *record['bbox'])
        if key in seen:
            yield Problem('a box occurs twice in its picture', f'annotations[{k}]', is_error=False)
        seen.add(key)


def check_identities(content: dict) -> Iterator[Problem]:
    """Check who appears how often.

    Args:
        content: A file whose structure and references are right.

    Yields:
        Errors for ids below ``UNLABELLED`` and labelled ignore regions, warnings for people who
        appear once, or twice in one picture.
    """
    pictures: dict[int, Counter] = {}
    for k, record in enumerate(content['annotations']):
        person_id = record.get('person_id', UNLABELLED)
        if not isinstance(person_id, int) or person_id < UNLABELLED:
            hint = f'annotations[{k}] ({person_id!r}; see --unlabelled)'
            yield Problem('a person_id is neither an identity nor -1', hint)
        elif person_id != UNLABELLED and record.get('iscrowd', 0):
            yield Problem('an ignore region has an identity', f'annotations[{k}]')
        elif person_id != UNLABELLED:
            pictures.setdefault(person_id, Counter())[record['image_id']] += 1
    for person_id, counts in pictures.items():
        if len(counts) == 1:
            yield Problem('a person is in one picture only', f'person {person_id}', is_error=False)
        for image_id in (image_id for image_id, count in counts.items() if count > 1):
            where = f'person {person_id} in image {image_id}'
            yield Problem('a person is twice in one picture', where, is_error=False)


def check_queries(content: dict) -> Iterator[Problem]:
    """Check that every query shows an annotated person who can be found.

    Args:
        content: A file whose structure and references are right.

    Yields:
        Errors for queries of nobody, or of people who are nowhere else, and warnings for boxes
        that differ from the annotation.
    """
    boxes: dict[tuple[int, int], list] = {}
    pictures: dict[int, set[int]] = {}
    for record in content['annotations']:
        person_id = record.get('person_id', UNLABELLED)
        boxes.setdefault((record['image_id'], person_id), []).append(record['bbox'])
        pictures.setdefault(person_id, set()).add(record['image_id'])
    for k, query in enumerate(content.get('queries', ())):
        person_id, image_id = query['person_id'], query['image_id']
        where = f'queries[{k}] (person {person_id})'
        if person_id < 0:
            yield Problem('a query has no identity', where)
        elif (image_id, person_id) not in boxes:
            yield Problem('a query names a person who is not annotated in its picture', where)
        elif not pictures[person_id] - {image_id}:
            yield Problem('a query has no match in any other picture', where)
        elif max(_iou(query['bbox'], box) for box in boxes[image_id, person_id]) < _SAME_PERSON_IOU:
            yield Problem("a query's box is not that of its person", where, is_error=False)


def check_cameras(content: dict) -> Iterator[Problem]:
    """Check camera numbers: all pictures have one, or none.

    Args:
        content: A file whose structure is right.

    Yields:
        Warnings.
    """
    known = [image.get('camera_id') is not None for image in content['images']]
    if any(known) and not all(known):
        where = f'{known.count(False)} of {len(known)} pictures'
        yield Problem('some pictures have no camera_id and others do', where, is_error=False)


def _iou(a: list[float], b: list[float]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    overlap = max(width, 0) * max(height, 0)
    return overlap / (a[2] * a[3] + b[2] * b[3] - overlap) if overlap else 0.0
