"""The people of MS COCO (Lin et al., ECCV 2014); crowds stay ignore regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmps.formats.json_files import read_json
from mmps.formats.values import is_set
from mmps.structures import DataError

from .boxes import is_usable
from .log import ConversionLog
from .records import Image, Parsed, Person, Split
from .roots import find_root_of_any
from .sizes import Progress, no_progress, without_repeats

NAME = 'COCO person'
OFFICIAL_COUNTS = {'train': {'images': 64115}, 'val': {'images': 2693}}

_FILES = {split: f'annotations/instances_{split}2017.json' for split in OFFICIAL_COUNTS}


def parse(root: Path, log: ConversionLog, progress: Progress = no_progress) -> Parsed:
    """Read the annotation files.

    Args:
        root: Folder that holds ``annotations/instances_train2017.json`` and ``train2017/``.
        log: Receives dropped boxes.
        progress: Displays progress.

    Returns:
        The splits ``train`` and ``val``, those that exist: images that show at least one person.

    Raises:
        DataError: If this is not the data set, or a file of it cannot be read.
    """
    root = find_root_of_any(root, NAME, tuple(_FILES.values()), ('coco', 'COCO', 'coco2017'))
    present = {split: root / name for split, name in _FILES.items() if (root / name).is_file()}
    for split in _FILES.keys() - present.keys():
        log.warn(f'{root / _FILES[split]} is missing; the split is left out')
    splits = [
        Split(split, _images(path, split, log))
        for split, path in progress(present.items(), len(present), 'reading boxes')
    ]
    return Parsed(root, splits, OFFICIAL_COUNTS)


def _images(path: Path, split: str, log: ConversionLog) -> list[Image]:
    try:
        content = read_json(path)
        person = {category['name']: category['id'] for category in content['categories']}['person']
        images = {
            record['id']: Image(f'{split}2017/{record["file_name"]}')
            for record in content['images']
        }
        regions = [
            _region(a, f'{path}, annotations[{k}]')
            for k, a in enumerate(content['annotations'])
            if a['category_id'] == person
        ]
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f'{path} is not a COCO file with people; unpack it again') from error
    for image_id, region in regions:
        where = f'{path}, image {image_id}'
        if image_id not in images:
            log.note('left out a box of an image that is not listed', where, str(region.bbox))
        elif is_usable(region.bbox, where, log):
            images[image_id].people.append(region)
    shown = [image for image in images.values() if image.people]
    return without_repeats(shown, path, log)


def _region(annotation: dict[str, Any], where: str) -> tuple[int, Person]:
    x, y, w, h = (float(value) for value in annotation['bbox'])
    ignore = is_set(annotation, 'iscrowd', where)
    return annotation['image_id'], Person((x, y, w, h), ignore=ignore)
