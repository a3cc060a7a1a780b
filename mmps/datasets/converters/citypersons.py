"""CityPersons from its official annotations and Cityscapes' images (Zhang et al., CVPR 2017).

Pedestrians are people; riders, sitting people, unusual postures, groups and ignore regions become
ignore regions, and so do pedestrians below 50 pixels: the usual training rule.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmps.structures import DataError

from .boxes import is_usable
from .log import ConversionLog
from .matlab import elements, load_variable, struct_field, text
from .records import Image, Parsed, Person, Split
from .roots import find_root_of_any
from .sizes import Progress, no_progress, without_repeats

NAME = 'CityPersons'
OFFICIAL_COUNTS = {'train': {'images': 2975}, 'val': {'images': 500}}
MIN_HEIGHT = 50

_PEDESTRIAN = 1
_FOLDERS = ('annotations', '.', 'CityPersons/annotations', 'shanshanzhang-citypersons/annotations')


def parse(root: Path, log: ConversionLog, progress: Progress = no_progress) -> Parsed:
    """Read the annotation files.

    Args:
        root: Folder that holds ``annotations/anno_train.mat`` and ``leftImg8bit/``.
        log: Receives dropped boxes.
        progress: Displays progress.

    Returns:
        The splits ``train`` and ``val``, those that exist.

    Raises:
        DataError: If this is not the data set, or a file of it cannot be read.
    """
    needed = tuple(f'{folder}/anno_{split}.mat' for folder in _FOLDERS for split in OFFICIAL_COUNTS)
    root = find_root_of_any(root, NAME, needed, ('CityPersons', 'citypersons', 'cityscapes'))
    splits = []
    for split in OFFICIAL_COUNTS:
        paths = [root / f'{folder}/anno_{split}.mat' for folder in _FOLDERS]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            log.warn(f'{root} has no anno_{split}.mat; the split is left out')
            continue
        cells = list(elements(load_variable(path, f'anno_{split}_aligned'), str(path)))
        shown = progress(cells, len(cells), f'{split}: reading boxes')
        images = [_image(c, split, f'{path}, image {k}', log) for k, c in enumerate(shown, 1)]
        splits.append(Split(split, without_repeats(images, path, log)))
    return Parsed(root, splits, OFFICIAL_COUNTS)


def _image(cell: Any, split: str, where: str, log: ConversionLog) -> Image:
    city = text(struct_field(cell, 'cityname', where), f'the city of {where}')
    name = text(struct_field(cell, 'im_name', where), f'the name in {where}')
    image = Image(f'leftImg8bit/{split}/{city}/{name}')
    rows = np.asarray(struct_field(cell, 'bbs', where))
    if rows.size and (rows.ndim != 2 or rows.shape[1] != 10 or rows.dtype.kind not in 'iuf'):
        raise DataError(f'{where} does not hold rows of ten numbers (class, x, y, w, h, ...)')
    for row in rows.astype(np.float64).reshape(-1, 10):  # small integers would overflow
        kind, *bbox = (float(value) for value in row[:5])
        if is_usable(tuple(bbox), where, log):
            ignore = kind != _PEDESTRIAN or bbox[3] < MIN_HEIGHT
            image.people.append(Person(tuple(bbox), ignore=ignore))
    return image
