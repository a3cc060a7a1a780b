"""CrowdHuman from its official download (Shao et al., arXiv 1805.00123).

The full boxes are taken; they may leave the image. Masks, and boxes whose ``extra.ignore`` is
1, become ignore regions; the head's attributes say nothing about the body.
"""

from __future__ import annotations

import json
from pathlib import Path

from mmps.formats.values import is_set
from mmps.structures import DataError

from .boxes import is_usable
from .finding import ImageFinder, find_images
from .log import ConversionLog
from .records import Image, Parsed, Person, Split
from .roots import find_root_of_any
from .sizes import Progress, no_progress, without_repeats
from .textfiles import read_lines

NAME = 'CrowdHuman'
OFFICIAL_COUNTS = {'train': {'images': 15000}, 'val': {'images': 4370}}


def parse(root: Path, log: ConversionLog, progress: Progress = no_progress) -> Parsed:
    """Read the annotation files.

    Args:
        root: Folder of the data set, or one that holds it under a usual name.
        log: Receives dropped boxes.
        progress: Displays progress.

    Returns:
        The splits ``train`` and ``val``, those that exist.

    Raises:
        DataError: If this is not the data set, or a file of it cannot be read.
    """
    files = {split: f'annotation_{split}.odgt' for split in OFFICIAL_COUNTS}
    root = find_root_of_any(root, NAME, tuple(files.values()), ('CrowdHuman', 'crowdhuman'))
    found = find_images(root)
    splits = []
    for split, name in files.items():
        if not (root / name).is_file():
            log.warn(f'{root / name} is missing; the split is left out')
            continue
        lines = list(read_lines(root / name))
        shown = progress(lines, len(lines), f'{split}: reading boxes')
        finder = ImageFinder(found, split)
        images = [_image(line, where, finder, log) for where, line in shown]
        finder.report(log)
        splits.append(Split(split, without_repeats(images, root / name, log)))
    return Parsed(root, splits, OFFICIAL_COUNTS)


def _image(line: str, where: str, finder: ImageFinder, log: ConversionLog) -> Image:
    try:
        record = json.loads(line)
        name, boxes = f'{record["ID"]}.jpg', list(record.get('gtboxes', []))
        regions = [(_bbox(box['fbox']), _is_ignored(box, where)) for box in boxes]
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f'{where} is not a record with "ID" and "gtboxes"; unpack the data set again'
        ) from error
    image = Image(finder.locate(name, f'Images/{name}'))
    for bbox, ignore in regions:
        if is_usable(bbox, where, log):
            image.people.append(Person(bbox, ignore=ignore))
    return image


def _bbox(values: list) -> tuple[float, float, float, float]:
    x, y, w, h = (float(value) for value in values)
    return (x, y, w, h)


def _is_ignored(box: dict, where: str) -> bool:
    return is_set(box.get('extra', {}), 'ignore', where) or box.get('tag') != 'person'
