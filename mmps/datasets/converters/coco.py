"""The annotation format of mmps: COCO JSON with identities, cameras and queries."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmps.files import atomic_file, write_json
from mmps.formats.annotations import listing_digest

from .records import Galleries, Person, Query, Split

CATEGORIES = [{'id': 1, 'name': 'person'}]


def to_coco(split: Split, source: str) -> dict:
    """Turn one part of a data set into COCO JSON.

    Ids of images and annotations count from 1, because COCO's evaluator reads 0 as "no annotation".

    Args:
        split: Images whose sizes are known.
        source: Name of the data set.

    Returns:
        The content of the JSON file.
    """
    image_ids = {image.file_name: number for number, image in enumerate(split.images, 1)}
    images, annotations = [], []
    for image in split.images:
        image_id, (width, height) = image_ids[image.file_name], image.size
        record = {'id': image_id, 'file_name': image.file_name, 'width': width, 'height': height}
        images.append({**record, 'camera_id': image.camera_id})
        for person in image.people:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': 1,
                    'bbox': [_number(value) for value in person.bbox],
                    'area': _number(person.bbox[2] * person.bbox[3]),
                    'iscrowd': int(person.ignore),
                    'person_id': person.person_id,
                    **_visit(person),
                }
            )
    queries = [
        {
            'image_id': image_ids[query.file_name],
            'bbox': [_number(value) for value in query.bbox],
            'person_id': query.person_id,
            'camera_id': query.camera_id,
            **_visit(query),
        }
        for query in split.queries
    ]
    content = {
        'info': {'description': f'{source}, {split.name}'},
        'categories': CATEGORIES,
        'images': images,
        'annotations': annotations,
    }
    return {**content, 'queries': queries} if queries else content


def write_split(folder: Path, split: Split, source: str) -> list[Path]:
    """Write one part of a data set.

    Galleries of an earlier conversion are deleted before their annotation file is replaced. If this
    conversion is interrupted, galleries are missing, but never belong to other images.

    Args:
        folder: Folder for the JSON file and the galleries.
        split: Images whose sizes are known.
        source: Name of the data set.

    Returns:
        The files that were written.
    """
    target = folder / f'{split.name}.json'
    content = to_coco(split, source)
    if split.name == 'test':
        for stale in folder.glob('galleries_*.npz'):
            stale.unlink(missing_ok=True)
    write_json(target, content, compact=True)
    listing = listing_digest(content)
    written = [target]
    for name, gallery in split.galleries.items():
        written.append(folder / f'galleries_{name}.npz')
        with atomic_file(written[-1]) as file:
            np.savez_compressed(file, **_gallery_arrays(gallery), listing=listing)
    return written


def _gallery_arrays(gallery: Galleries) -> dict[str, np.ndarray]:
    arrays = {
        'offsets': gallery.offsets.astype(np.int64),
        'image_ids': gallery.images.astype(np.int64) + 1,
        'bboxes': gallery.bboxes.astype(np.float32).reshape(-1, 4),
    }
    if gallery.query_index is not None:
        arrays['query_index'] = gallery.query_index.astype(np.int64)
    return arrays


def _visit(record: Person | Query) -> dict[str, int]:
    return {} if record.visit is None else {'visit': record.visit}


def _number(value: float) -> int | float:
    """Write whole numbers as the official files do, without a trailing ``.0``."""
    return int(value) if float(value).is_integer() else float(value)
