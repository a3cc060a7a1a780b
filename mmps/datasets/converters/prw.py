"""PRW from its official download, PRW-v16.04.20 (Zheng et al., CVPR 2017).

Identities keep their official numbers, so that a training person in the test frames can be
recognised; -2 becomes unlabelled. Boxes keep their fractions and negative origins.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED, DataError

from .boxes import is_usable
from .log import ConversionLog
from .matlab import elements, load_variable, text
from .records import Image, Parsed, Person, Query, Split
from .roots import find_root
from .sizes import Progress, no_progress
from .textfiles import numbers, read_lines

NAME = 'PRW'
OFFICIAL_COUNTS = {
    'train': {'images': 5704, 'boxes': 18048, 'labelled': 14907, 'identities': 483},
    'test': {
        'images': 6112,
        'boxes': 25062,
        'labelled': 19127,
        'identities': 544,
        'queries': 2057,
    },
}

_VARIABLES = ('box_new', 'anno_file', 'anno_previous')
_UNKNOWN = -2
_FRAME = re.compile(r'c(\d)s\d_\d{6}')


def parse(root: Path, log: ConversionLog, progress: Progress = no_progress) -> Parsed:
    """Read the annotation files.

    Args:
        root: Folder of the data set, or one that holds it under a usual name.
        log: Receives dropped and corrected boxes.
        progress: Displays progress.

    Returns:
        The splits ``train`` and ``test``.

    Raises:
        DataError: If this is not the data set, or a file of it cannot be read.
    """
    needed = ('frame_train.mat', 'frame_test.mat', 'annotations', 'query_info.txt')
    root = find_root(root, NAME, needed, ('PRW-v16.04.20', 'PRW', 'prw'))
    splits = [Split(name, _frames(root, name, log, progress)) for name in ('train', 'test')]
    both = {image.file_name for image in splits[0].images}
    both &= {image.file_name for image in splits[1].images}
    if both:
        log.warn(f'{root} has {len(both)} frames in both train and test, such as {min(both)}')
    splits[1].queries = _queries(root / 'query_info.txt', splits[1], log)
    return Parsed(root, splits, OFFICIAL_COUNTS)


def _frames(root: Path, split: str, log: ConversionLog, progress: Progress) -> list[Image]:
    path = root / f'frame_{split}.mat'
    cells = list(elements(load_variable(path, f'img_index_{split}'), str(path)))
    images: dict[str, Image] = {}
    for cell in progress(cells, len(cells), f'{split}: reading annotations'):
        stem = text(cell, f'an entry of {path}').removesuffix('.jpg')
        found = _FRAME.fullmatch(stem)
        file_name = f'frames/{stem}.jpg'
        annotation = root / f'annotations/{stem}.jpg.mat'
        if not found:
            log.warn(f'{path} names {stem!r}, which is not a frame such as c1s1_000151: left out')
        elif file_name in images:
            log.warn(f'{path} names {stem} twice; the second one is left out')
        elif not annotation.is_file():
            log.warn(f'{annotation} is missing; the frame is left out: unpack the data set again')
        else:
            people = _people(annotation, log)
            images[file_name] = Image(file_name, people, camera_id=int(found[1]))
    if not images:
        raise DataError(f'{path} names no frame that has annotations; unpack the data set again')
    return list(images.values())


def _people(path: Path, log: ConversionLog) -> list[Person]:
    rows = load_variable(path, *_VARIABLES)
    if rows.size == 0:
        return []
    if rows.ndim != 2 or rows.shape[1] != 5 or rows.dtype.kind not in 'iuf':
        raise DataError(f'{path} does not hold rows of five numbers (identity, x, y, w, h)')
    people = []
    for identity, *bbox in rows.astype(np.float64).tolist():
        if is_usable(tuple(bbox), str(path), log):
            people.append(Person(tuple(bbox), _identity(identity, path, log)))
    return people


def _identity(value: float, path: Path, log: ConversionLog) -> int:
    if value == _UNKNOWN:
        return UNLABELLED
    if not np.isfinite(value) or value != int(value) or not 0 <= value < 2**31:
        log.note('read an unexpected identity as unknown', str(path), str(value))
        return UNLABELLED
    return int(value)


def _queries(path: Path, test: Split, log: ConversionLog) -> list[Query]:
    """Read one query per line; find the person by frame and identity, because text rounds boxes."""
    images = {image.file_name: image for image in test.images}
    queries = []
    for where, line in read_lines(path):
        words = line.split()
        if len(words) != 6:
            raise DataError(
                f'{where} has {len(words)} columns instead of 6 (identity, x, y, w, h, frame)'
            )
        identity, *bbox = numbers(words[:5], where)
        file_name = f'frames/{words[5].removesuffix(".jpg")}.jpg'
        image = images.get(file_name)
        if image is None:
            log.warn(f'{where} names a frame that is not a test frame; the query is left out')
        elif all(person.person_id != identity for person in image.people):
            log.warn(f'{where} names a person who is not in the frame; the query is left out')
        elif is_usable(tuple(bbox), where, log):
            queries.append(Query(file_name, tuple(bbox), int(identity), image.camera_id))
    if not queries:
        raise DataError(f'{path} holds no usable query; unpack the data set again')
    return queries
