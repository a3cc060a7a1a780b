"""Checks on boxes, identities, cameras and queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from mmps.structures import UNLABELLED, is_labelled

from ..annotations import Annotations
from ..problems import Problem
from ..reading import Reading, column, identities
from ..structure import OUTSIDE, is_outside

_SAME_PERSON_IOU = 0.3


def check_boxes(said: Annotations) -> Iterator[Problem]:
    """Check every box against its image.

    Args:
        said: Content of a file whose structure and references are right.

    Yields:
        Errors for boxes outside the image, warnings for the rest.
    """
    images = {image['id']: image for image in said.images}
    annotated = zip(said.image_ids, said.bboxes, strict=True)
    queries = ((query['image_id'], query['bbox']) for query in said.queries)
    places = chain(((f'annotations[{k}]', *box) for k, box in enumerate(annotated)),
                   ((f'queries[{k}]', *box) for k, box in enumerate(queries)))  # fmt: skip
    for place, image_id, bbox in places:
        (x, y, w, h), image, where = bbox, images[image_id], f'{place} ({bbox})'
        if is_outside(bbox, image['width'], image['height']):
            yield Problem(OUTSIDE, where)
        elif x < 0 or y < 0 or x + w > image['width'] or y + h > image['height']:
            yield Problem('a box leaves its image', where, is_error=False)
        if 0 < min(w, h) < 1:
            kind = 'a box is under one pixel, and left out of training'
            yield Problem(kind, where, is_error=False)
    seen: set[tuple] = set()
    for k, (image_id, bbox) in enumerate(zip(said.image_ids, said.bboxes, strict=True)):
        if (image_id, *bbox) in seen:
            yield Problem('a box occurs twice in its image', f'annotations[{k}]', is_error=False)
        seen.add((image_id, *bbox))


def check_contents(said: Annotations) -> Iterator[Problem]:
    """Check that there is something to learn from or to search.

    Args:
        said: Content of a file whose structure and references are right.

    Yields:
        Warnings.
    """
    if not said.images:
        yield Problem('there are no images', "the list 'images' is empty", is_error=False)
    elif not any(said.people):
        count = sum(said.ignored)
        where = f'{len(said.people)} boxes, {count} of them ignore regions'
        yield Problem('there are no people', where, is_error=False)


def check_ids(content: dict) -> Iterator[Problem]:
    """Check for an annotation that other tools pass over.

    Args:
        content: A file whose structure is right.

    Yields:
        Warnings.
    """
    ids = column(content['annotations'], 'id')
    if 0 in ids:
        where = f'annotations[{ids.index(0)}]; count ids from 1'
        kind = "an annotation has id 0, which mmdet's CocoMetric takes for no match"
        yield Problem(kind, where, is_error=False)


def check_identities(said: Annotations) -> Iterator[Problem]:
    """Check who appears how often.

    Args:
        said: Content of a file whose structure and references are right.

    Yields:
        Warnings for people who appear once, or twice in one image.
    """
    images: dict[int, Counter] = {}
    for person_id, image_id in zip(said.person_ids, said.image_ids, strict=True):
        if is_labelled(person_id):
            images.setdefault(person_id, Counter())[image_id] += 1
    for person_id, counts in images.items():
        if len(counts) == 1:
            yield Problem('a person is in one image only', f'person {person_id}', is_error=False)
        for image_id in (image_id for image_id, count in counts.items() if count > 1):
            where = f'person {person_id} in image {image_id}'
            yield Problem('a person is twice in one image', where, is_error=False)


def check_ignored(content: dict, said: Annotations, reading: Reading) -> Iterator[Problem]:
    """Check that ignore regions have no identity.

    Args:
        content: The parsed file.
        said: Content of the file.
        reading: Options of the reader.

    Yields:
        Errors for regions that say ``iscrowd``, our spelling; warnings for others, whose identity
        is not read.
    """
    crowds = column(content['annotations'], 'iscrowd')
    ids = identities(content['annotations'], reading)
    for k, (identity, ignored, crowd) in enumerate(zip(ids, said.ignored, crowds, strict=True)):
        if ignored and identity != UNLABELLED:
            is_error = crowd in (1,)
            yield Problem('an ignore region has an identity', f'annotations[{k}]', is_error)


def check_queries(content: dict, said: Annotations, reading: Reading) -> Iterator[Problem]:
    """Check that every query shows an annotated person who can be found.

    Args:
        content: The parsed file.
        said: Content of the file.
        reading: Options of the reader.

    Yields:
        Errors for queries of people who are not annotated, or nowhere else, and warnings for boxes
        that differ from the annotation.
    """
    boxes: dict[tuple[int, int], list] = {}
    images: dict[int, set[int]] = {}
    for person_id, image_id, bbox in zip(said.person_ids, said.image_ids, said.bboxes, strict=True):
        if is_labelled(person_id):
            boxes.setdefault((image_id, person_id), []).append(bbox)
            images.setdefault(person_id, set()).add(image_id)
    if said.queries and not images:
        yield Problem('no annotation has an identity', f'{len(said.queries)} queries have one')
        return
    hidden = set(identities(content['annotations'], reading)) - images.keys()
    for k, query in enumerate(said.queries):
        person_id, image_id = query['person_id'], query['image_id']
        where = f'queries[{k}] (person {person_id})'
        if person_id in hidden:
            yield Problem(
                'a query names a person who has no box but ignore regions', where, is_error=False
            )
        elif (image_id, person_id) not in boxes:
            yield Problem('a query names a person who is not annotated in its image', where)
        elif not images[person_id] - {image_id}:
            yield Problem('a query has no match in any other image', where)
        elif max(_iou(query['bbox'], box) for box in boxes[image_id, person_id]) < _SAME_PERSON_IOU:
            yield Problem("a query's box is not that of its person", where, is_error=False)


def check_cameras(said: Annotations) -> Iterator[Problem]:
    """Check camera numbers: all images have one, or none.

    Args:
        said: What a file says whose structure is right.

    Yields:
        Warnings.
    """
    known = [image['camera_id'] is not None for image in said.images]
    if any(known) and not all(known):
        where = f'{known.count(False)} of {len(known)} images'
        yield Problem('some images have no camera_id and others do', where, is_error=False)


def _iou(a: list[float], b: list[float]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    overlap = max(width, 0) * max(height, 0)
    return overlap / (a[2] * a[3] + b[2] * b[3] - overlap) if overlap else 0.0
