"""The one annotation format: COCO JSON with identities, cameras and queries, and its one reader."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmps.structures import UNLABELLED, DataError

from .categories import Categories, find_categories
from .json_files import read_json
from .problems import Problem
from .reading import (
    CAMERA_KEYS,
    ID_KEYS,
    IGNORE_KEYS,
    KNOWN_KEY,
    Reading,
    cameras,
    column,
    identities,
    ignore_flags,
)
from .structure import (
    THE_FILE,
    check_areas,
    check_query_places,
    check_references,
    check_structure,
)
from .unread import check_unread
from .values import are_fractions

IMAGE_KEYS = ('id', 'file_name', 'width', 'height')
"""What each of ``images`` needs to be loaded."""

FRACTIONS = 'the boxes seem to be fractions of the image size'
"""Kind of the remark on boxes that are not in pixels."""

_SPELLINGS = {*ID_KEYS, *CAMERA_KEYS, *IGNORE_KEYS, KNOWN_KEY}


@dataclass(frozen=True, eq=False)
class Annotations:
    """The content of an annotation file, in one spelling.

    Letters: A annotations, in the order of the file and all of them, so that positions are those
    in the file.

    Attributes:
        images: Entries of ``images``, ``id`` and sizes as integers, with ``camera_id``.
        image_ids: ``A`` ids of the images that the annotations are in.
        bboxes: ``A`` boxes, xywh in pixels of the image file.
        person_ids: ``A`` identities, ``UNLABELLED`` where unknown and for all that are no people.
        people: ``A`` flags of people.
        ignored: ``A`` flags of ignore regions; what is neither belongs to another category.
        queries: ``image_id``, ``bbox``, ``person_id`` and ``camera_id`` of each query.
        remarks: Unexpected entries of the file, for the log.
    """

    images: list[dict[str, Any]]
    image_ids: list[int]
    bboxes: list[list[float]]
    person_ids: list[int]
    people: list[bool]
    ignored: list[bool]
    queries: list[dict[str, Any]]
    remarks: tuple[Problem, ...] = ()

    def by_image(self) -> dict[int, list[int]]:
        """Return the positions of the annotations in each image, in the order of ``images``."""
        groups: dict[int, list[int]] = {image['id']: [] for image in self.images}
        for position, image_id in enumerate(self.image_ids):
            groups[image_id].append(position)
        return groups


def read_annotations(
    path: str | Path,
    reading: Reading | None = None,
    image_keys: tuple[str, ...] = ('id',),
    keep_empty_boxes: bool = False,
) -> Annotations:
    """Read an annotation file; the first problem of its structure is an error.

    Args:
        path: JSON file with ``images``, ``annotations`` and, for test sets, ``queries``.
        reading: Options of the reader.
        image_keys: What each of ``images`` must have.
        keep_empty_boxes: Whether annotated boxes may lack an area.

    Returns:
        What it says.

    Raises:
        DataError: The file is missing, not JSON, or not in this format.
    """
    return unify(parse(path, reading, image_keys, keep_empty_boxes), reading)


def parse(
    path: str | Path,
    reading: Reading | None = None,
    image_keys: tuple[str, ...] = ('id',),
    keep_empty_boxes: bool = False,
) -> dict[str, Any]:
    """Read an annotation file without changing its spelling; arguments and errors as above."""
    content = read_json(path)
    needs = {'images': image_keys, 'annotations': ('image_id', 'bbox')}
    problem = next(check_structure(content, reading, needs), None)
    if problem is None:
        parts = ('queries',) if keep_empty_boxes else ('annotations', 'queries')
        later = chain(
            check_references(content, reading),
            check_areas(content, parts),
            check_query_places(content),
        )
        problem = next(later, None)
    if problem is None:
        return content
    if problem.where == THE_FILE:
        raise DataError(f'{path}: {problem.kind}: it is no COCO-style annotation file')
    raise DataError(
        f'{path}: {problem.kind}: {problem.where}; tools/misc/validate_dataset.py names '
        'everything that is wrong with the file'
    )


def unify(content: dict[str, Any], reading: Reading | None = None) -> Annotations:
    """Bring an annotation file into one spelling.

    Args:
        content: A parsed file whose structure and references are right.
        reading: Options of the reader.

    Returns:
        What it says.
    """
    reading = reading or Reading()
    annotations, queries = content['annotations'], content.get('queries', [])
    categories = find_categories(content.get('categories', ()), reading.classes)
    people, ignored = _roles(annotations, categories)
    person_ids = [
        identity if is_person else UNLABELLED
        for identity, is_person in zip(identities(annotations, reading), people, strict=True)
    ]
    bboxes = column(annotations, 'bbox')
    images = _images(content['images'])
    remarks = (
        *_other_categories(annotations, categories),
        *check_unread(content, reading),
        *_fractions(bboxes),
        *_other_cameras(images, queries),
    )
    return Annotations(
        images=images,
        image_ids=list(map(int, column(annotations, 'image_id'))),
        bboxes=bboxes,
        person_ids=person_ids,
        people=people,
        ignored=ignored,
        queries=[
            {
                'image_id': int(query['image_id']),
                'bbox': query['bbox'],
                'person_id': identity,
                'camera_id': camera,
            }
            for query, identity, camera in zip(
                queries, identities(queries, reading), cameras(queries), strict=True
            )
        ],
        remarks=remarks,
    )


def log_remarks(path: str | Path, remarks: Iterable[Problem]) -> None:
    """Write what is odd about a file into the log.

    Args:
        path: The file.
        remarks: Remarks of :class:`Annotations`.
    """
    for remark in remarks:
        print_log(f'{path}: {remark.kind}: {remark.where}', 'current', logging.WARNING)


def in_our_spelling(content: dict[str, Any], reading: Reading | None = None) -> dict[str, Any]:
    """Rewrite an annotation file so that it needs no options to be read.

    Args:
        content: A parsed file in which nothing is wrong.
        reading: Options of the reader.

    Returns:
        A copy with ``person_id``, ``camera_id`` and ``iscrowd`` in every record that has such
        things, one category, and without boxes of other categories. Other fields stay.
    """
    said = unify(content, reading)
    annotations = [
        {**_rest(record), 'category_id': 1, 'iscrowd': int(ignored), 'person_id': person_id}
        for record, ignored, is_person, person_id in zip(
            content['annotations'], said.ignored, said.people, said.person_ids, strict=True
        )
        if ignored or is_person
    ]
    queries = [
        {**_rest(record), **query}
        for record, query in zip(content.get('queries', ()), said.queries, strict=True)
    ]
    changed = {'images': said.images, 'annotations': annotations}
    changed['categories'] = [{'id': 1, 'name': 'person'}]
    return {**content, **changed, **({'queries': queries} if 'queries' in content else {})}


def listing_digest(content: dict[str, Any]) -> str:
    """Sum up which images and queries a file lists, under which numbers.

    Galleries name images by ``id`` and queries by position, so that they fit any file with the
    same digest, and no other one.

    Args:
        content: A file whose images have ``id``, and whose queries ``image_id`` and ``bbox``.

    Returns:
        64 hexadecimal digits. People may be corrected without changing them.
    """
    images = sorted([int(image['id']), image.get('file_name')] for image in content['images'])
    queries = [[int(q['image_id']), *map(float, q['bbox'])] for q in content.get('queries', ())]
    return hashlib.sha256(json.dumps([images, queries]).encode()).hexdigest()


def _images(records: list[dict]) -> list[dict]:
    images = []
    for record, camera in zip(records, cameras(records), strict=True):
        whole = {key: int(record[key]) for key in ('id', 'width', 'height') if key in record}
        images.append({**_rest(record), **whole, 'camera_id': camera})
    return images


def _rest(record: dict) -> dict:
    return {key: value for key, value in record.items() if key not in _SPELLINGS}


def _roles(annotations: list[dict], categories: Categories) -> tuple[list[bool], list[bool]]:
    """Return which annotations are people and which are ignore regions, ``A`` flags each."""
    ignored = ignore_flags(annotations)
    if categories.all_people:
        return [not flag for flag in ignored], ignored
    ids = [annotation.get('category_id') for annotation in annotations]
    ours = categories.people | categories.ignored
    ignored = [
        key in categories.ignored or (flag and key in ours)
        for key, flag in zip(ids, ignored, strict=True)
    ]
    people = [key in categories.people and not flag for key, flag in zip(ids, ignored, strict=True)]
    return people, ignored


def _other_categories(annotations: list[dict], categories: Categories) -> Iterator[Problem]:
    ids = [] if categories.all_people else [a.get('category_id') for a in annotations]
    for key in sorted(categories.names.keys() - categories.people - categories.ignored):
        count = ids.count(key)
        if count:
            where = f'{categories.names[key]} ({count} boxes)'
            yield Problem('boxes of another category are no people', where, is_error=False)


def _other_cameras(images: list[dict], queries: list[dict]) -> Iterator[Problem]:
    of_image = {image['id']: image['camera_id'] for image in images}
    pairs = [
        (camera, of_image[query['image_id']])
        for query, camera in zip(queries, cameras(queries), strict=True)
    ]
    others = [k for k, pair in enumerate(pairs) if None not in pair and pair[0] != pair[1]]
    if others:
        camera, other = pairs[others[0]]
        where = f'{len(others)} queries, the first: queries[{others[0]}] ({camera}, image {other})'
        kind = "a query's camera, which is read, is not that of its image"
        yield Problem(kind, where, is_error=False)


def _fractions(bboxes: list[list[float]]) -> Iterator[Problem]:
    if are_fractions(bboxes):
        yield Problem(FRACTIONS, 'multiply them by width and height', is_error=False)
