"""A gallery's people as JSON, CSV or COCO, for other programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmps.files import atomic_file
from mmps.structures import DataError

from .base import Gallery
from .rows import STILL, Rows, Where

FORMATS = ('json', 'csv', 'coco')


def describe(rows: Rows) -> Iterator[dict[str, Any]]:
    """Describe rows as plain data.

    Args:
        rows: With ids.

    Returns:
        For each row ``id`` (a text: 63 bits do not survive JavaScript), ``source``, ``frame``
        (``None`` for still images), ``time`` (``None`` where unknown), ``camera``, ``box`` and
        ``score``.
    """
    for i in range(len(rows)):
        time = float(rows.time[i])
        yield {
            'id': str(rows.ids[i]),
            'source': rows.source[i],
            'frame': None if rows.frame[i] == STILL else int(rows.frame[i]),
            'time': None if math.isnan(time) else time,
            'camera': rows.camera[i] or None,
            'box': [round(float(x), 2) for x in rows.boxes[i]],
            'score': round(float(rows.scores[i]), 4),
        }


def export(
    gallery: Gallery, path: str | Path, form: str | None = None, where: Where | None = None
) -> int:
    """Write the people of a gallery to a file, without their embeddings.

    Args:
        gallery: Whose people.
        path: The file.
        form: ``json``, ``csv`` or ``coco``; by the file's ending where it is left out.
        where: Conditions on rows.

    Returns:
        How many people were written.

    Raises:
        DataError: The form is none of these, or the file cannot be written.
    """
    path = Path(path)
    form = form or path.suffix.lstrip('.').lower()
    if form not in FORMATS:
        raise DataError(f'{form or path!r} is no form of export; choose {", ".join(FORMATS)}')
    write = {'json': _write_json, 'csv': _write_csv, 'coco': _write_coco}[form]
    try:
        with atomic_file(path) as file:
            text = io.TextIOWrapper(file, encoding='utf-8', newline='')
            count = write(gallery, text, where)
            text.flush()
            text.detach()
    except OSError as error:
        raise DataError(f'{path} cannot be written: {error.strerror or error}') from None
    return count


def _people(gallery: Gallery, where: Where | None) -> Iterator[dict[str, Any]]:
    for rows in gallery.rows(where):
        yield from describe(rows)


def _write_json(gallery: Gallery, file: io.TextIOBase, where: Where | None) -> int:
    count = 0
    file.write('[')
    for count, person in enumerate(_people(gallery, where), start=1):
        file.write('\n' if count == 1 else ',\n')
        file.write(json.dumps(person, ensure_ascii=False))
    file.write('\n]\n')
    return count


def _write_csv(gallery: Gallery, file: io.TextIOBase, where: Where | None) -> int:
    return write_table(_people(gallery, where), file)


def write_table(
    people: Iterable[dict[str, Any]], file: io.TextIOBase, further: Sequence[str] = ()
) -> int:
    """Write people as a CSV table.

    Args:
        people: As :func:`describe` returns them.
        file: Open for text.
        further: Names of further columns, which come first.

    Returns:
        Number of people.
    """
    own = ('id', 'source', 'frame', 'time', 'camera', 'x1', 'y1', 'x2', 'y2', 'score')
    names = (*further, *own)
    writer = csv.writer(file)
    writer.writerow(names)
    count = 0
    for person in people:
        count += 1
        flat = person | dict(zip(('x1', 'y1', 'x2', 'y2'), person['box'], strict=True))
        writer.writerow(['' if flat[name] is None else flat[name] for name in names])
    return count


def _write_coco(gallery: Gallery, file: io.TextIOBase, where: Where | None) -> int:
    states = gallery.progress()
    images: dict[tuple, dict[str, Any]] = {}
    annotations = []
    for person in _people(gallery, where):
        place = (person['source'], person['frame'])
        state = states.get(person['source'])
        image = images.setdefault(
            place,
            {
                'id': len(images) + 1,
                'file_name': person['source'].replace('\\', '/'),
                'width': state.width if state else 0,
                'height': state.height if state else 0,
                'frame': person['frame'],
                'time': person['time'],
                'camera': person['camera'],
            },
        )
        x1, y1, x2, y2 = person['box']
        width, height = round(x2 - x1, 2), round(y2 - y1, 2)
        annotations.append(
            {
                'id': len(annotations) + 1,
                'image_id': image['id'],
                'category_id': 1,
                'bbox': [x1, y1, width, height],
                'area': round(width * height, 2),
                'iscrowd': 0,
                'score': person['score'],
                'person_id': -1,
                'gallery_id': person['id'],
            }
        )
    categories = [{'id': 1, 'name': 'person'}]
    content = {'images': list(images.values()), 'annotations': annotations}
    json.dump({**content, 'categories': categories}, file, ensure_ascii=False)
    return len(annotations)
