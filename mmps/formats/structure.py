"""Checks on the shape of an annotation file: parts, fields, values and references.

Every reader of the format makes them, and takes nothing that they reject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from mmps.structures import UNLABELLED

from .categories import Categories, find_categories
from .problems import Problem
from .reading import (
    CAMERA_KEYS,
    IGNORE_KEYS,
    KNOWN_KEY,
    VISIT_KEY,
    Reading,
    column,
    fields_of,
    identities,
)
from .values import ABSENT, BOX, CAMERA, FLAG, IDENTITY, NAME, SIZE, VISIT, WHOLE, Rule

Needs = Mapping[str, Sequence[str]]
"""The fields that entries of each part must have; a part without a key may be missing itself."""

CONTRACT: Needs = {
    'images': ('id', 'file_name', 'width', 'height'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox'),
    'categories': ('id', 'name'),
}
"""All that the format asks for. Readers ask for what they read."""

OUTSIDE = 'a box is outside its image'
"""Kind of the problem of boxes that show no part of their image."""

_SIDES = {'width', 'height'}

THE_FILE = 'the whole file'

_RULES: dict[str, dict[str, Rule]] = {
    'images': {'id': WHOLE, 'file_name': NAME, 'width': SIZE, 'height': SIZE},
    'annotations': {
        'id': WHOLE,
        'image_id': WHOLE,
        'category_id': WHOLE,
        'bbox': BOX,
        VISIT_KEY: VISIT,
    },
    'categories': {'id': WHOLE, 'name': NAME},
    'queries': {'image_id': WHOLE, 'bbox': BOX, KNOWN_KEY: FLAG, VISIT_KEY: VISIT},
}
_RULES['images'] |= dict.fromkeys(CAMERA_KEYS, CAMERA)
_RULES['queries'] |= dict.fromkeys(CAMERA_KEYS, CAMERA)
_RULES['annotations'] |= dict.fromkeys((*IGNORE_KEYS, KNOWN_KEY), FLAG)
_ALWAYS = {'categories': ('id', 'name'), 'queries': ('image_id', 'bbox')}


def check_structure(
    content: Any, reading: Reading | None = None, needs: Needs = CONTRACT
) -> Iterator[Problem]:
    """Check everything that later checks rely on.

    Args:
        content: The parsed JSON file.
        reading: Options of the reader.
        needs: The parts and fields that must be there; fields that are there are always checked.

    Yields:
        Errors only; with any, the file cannot be checked further.
    """
    reading = reading or Reading()
    if not isinstance(content, dict):
        yield Problem('the file is not a JSON object', THE_FILE)
        return
    for part in _RULES:
        if part not in content:
            if part in needs:
                yield Problem(f'there is no list {part!r}', THE_FILE)
        elif not isinstance(content[part], list):
            yield Problem(f'{part!r} is not a list', THE_FILE)
        else:
            needed = needs.get(part, _ALWAYS.get(part, ()))
            yield from _check_records(content[part], part, needed, reading)
    yield from _check_identity_key(content, reading)


def check_references(content: dict, reading: Reading | None = None) -> Iterator[Problem]:
    """Check that ids are unique, that what they name exists, and that people can be told.

    Args:
        content: A file whose structure is right.
        reading: Options of the reader.

    Yields:
        Errors.
    """
    reading = reading or Reading()
    for part in ('images', 'annotations', 'categories'):
        yield from _check_unique(content.get(part, ()), part)
    images = {image['id'] for image in content['images']}
    for part in ('annotations', 'queries'):
        records = content.get(part, ())
        for k, image_id in _outside(column(records, 'image_id'), images):
            yield Problem('no image has this image_id', f'{part}[{k}] ({image_id})')
    categories = find_categories(content.get('categories', ()), reading.classes)
    yield from _check_categories(content['annotations'], categories, 'categories' in content)
    queries = content.get('queries', ())
    for k, identity in enumerate(identities(queries, reading)):
        if identity == UNLABELLED:
            yield Problem('a query has no identity', f'queries[{k}]')


def check_areas(content: dict, parts: Sequence[str]) -> Iterator[Problem]:
    """Check that boxes have an area.

    Args:
        content: A file whose structure is right.
        parts: The lists whose boxes are checked.

    Yields:
        Errors.
    """
    for part in parts:
        bboxes = column(content.get(part, ()), 'bbox')
        smallest = min(map(min, map(itemgetter(2, 3), bboxes)), default=1)
        for k, bbox in enumerate(bboxes if smallest <= 0 else ()):
            if min(bbox[2:]) <= 0:
                yield Problem('a box has no area', f'{part}[{k}] ({bbox})')


def check_query_places(content: dict) -> Iterator[Problem]:
    """Check that the boxes of queries show a part of their images, where sizes are known.

    Args:
        content: A file whose structure and references are right.

    Yields:
        Errors.
    """
    sizes = {i['id']: (i['width'], i['height']) for i in content['images'] if i.keys() >= _SIDES}
    for k, query in enumerate(content.get('queries', ())):
        size = sizes.get(query['image_id'])
        if size is not None and is_outside(query['bbox'], *size):
            yield Problem(OUTSIDE, f'queries[{k}] ({query["bbox"]})')


def is_outside(bbox: Sequence[float], width: float, height: float) -> bool:
    """Check whether a box shows no part of its image.

    Args:
        bbox: Box as xywh.
        width: Width of the image in pixels.
        height: Height of the image in pixels.
    """
    x, y, w, h = bbox
    return x >= width or y >= height or x + w <= 0 or y + h <= 0


def _check_records(
    records: list, part: str, needed: Sequence[str], reading: Reading
) -> Iterator[Problem]:
    strangers = set(map(type, records)) - {dict}
    for k, record in enumerate(records if strangers else ()):
        if not isinstance(record, dict):
            yield Problem('an entry is not a JSON object', f'{part}[{k}]')
    entries = [record if isinstance(record, dict) else {} for record in records]
    present = fields_of(entries)
    rules = _RULES[part]
    if part in ('annotations', 'queries'):
        rules = rules | dict.fromkeys(reading.identity_keys, IDENTITY)
    for field, rule in rules.items():
        is_needed = field in needed
        if field not in present and not is_needed:
            continue
        values = column(entries, field)
        if (is_needed and ABSENT in values) or not rule.fits(values):
            yield from _wrong_values(records, values, field, rule, part, is_needed)


def _wrong_values(
    records: list, values: list, field: str, rule: Rule, part: str, is_needed: bool
) -> Iterator[Problem]:
    for k, (record, value) in enumerate(zip(records, values, strict=True)):
        if not isinstance(record, dict):
            continue
        if value is ABSENT and is_needed:
            yield Problem(f'the field {field!r} is missing', f'{part}[{k}]')
        elif not rule.accepts(value):
            kind = f'the field {field!r} has a wrong value'
            yield Problem(kind, f'{part}[{k}] ({rule.complaint(value)})')


def _check_identity_key(content: dict, reading: Reading) -> Iterator[Problem]:
    key, records = reading.identity_key, content.get('annotations')
    if key is None or not records or not isinstance(records, list):
        return
    entries = [record for record in records if isinstance(record, dict)]
    if all(value is ABSENT for value in column(entries, key)):
        yield Problem(f'no annotation has the field {key!r}', 'identity_key')


def _check_unique(records: Sequence[dict], part: str) -> Iterator[Problem]:
    ids = column(records, 'id')
    given = [value for value in ids if value is not ABSENT]
    if len(set(given)) == len(given):
        return
    seen = set()
    for k, value in enumerate(ids):
        if value is not ABSENT and value in seen:
            yield Problem('an id occurs twice', f'{part}[{k}] (id {value})')
        seen.add(value)


def _check_categories(
    annotations: Sequence[dict], categories: Categories, listed: bool
) -> Iterator[Problem]:
    if categories.missing:
        yield Problem('no category stands for people', categories.missing)
        return
    if not listed:
        return
    for k, value in _outside(column(annotations, 'category_id'), categories.names.keys()):
        if value is not ABSENT:
            yield Problem('no category has this category_id', f'annotations[{k}] ({value})')
        elif not categories.all_people:
            yield Problem("the field 'category_id' is missing", f'annotations[{k}]')


def _outside(values: list, known: Any) -> Iterator[tuple[int, Any]]:
    if set(values) <= known:
        return
    for k, value in enumerate(values):
        if value not in known:
            yield k, value
