"""CUHK-SYSU from its official download (Xiao et al., arXiv 1604.01850).

Identities are attached to boxes by exact equality with the protocol files, as every public
loader does; people in no protocol file stay unlabelled. Train and test identities are numbered
by their position in Train.mat and in the TestG files, so numbers are not comparable across splits.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmps.structures import UNLABELLED, DataError

from .boxes import is_usable
from .log import ConversionLog
from .mat_stream import decode, split_struct, walk_struct
from .matlab import box, elements, load_variable, struct_field, text
from .records import Box, Galleries, Image, Parsed, Person, Query, Split
from .roots import find_root
from .sizes import Progress, no_progress

NAME = 'CUHK-SYSU'
GALLERY_SIZES = (50, 100, 500, 1000, 2000, 4000)
OFFICIAL_COUNTS = {
    'train': {'images': 11206, 'boxes': 55272, 'identities': 5532},
    'test': {'images': 6978, 'boxes': 40871, 'identities': 2900, 'queries': 2900},
}

_SUBSETS = {'occlusion': ('Occlusion', 'Occlusion1'), 'resolution': ('Resolution', 'Test_Size')}
_IMAGES = 'Image/SSM'

Appearances = list[tuple[int, str, Box]]


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
    root = find_root(root, NAME, ('annotation/Images.mat',), ('CUHK-SYSU', 'cuhk_sysu', 'dataset'))
    folder = root / 'annotation'
    images = _images(folder / 'Images.mat', log)
    pool_file = folder / 'pool.mat'
    pool = {
        text(name, f'an entry of {pool_file}')
        for name in elements(load_variable(pool_file, 'pool'), str(pool_file))
    }
    for name in sorted(pool - images.keys()):
        log.warn(f'{pool_file} names {name}, which is not in Images.mat; it is left out')
    parts = {
        'train': [images[name] for name in sorted(images) if name not in pool],
        'test': [images[name] for name in sorted(images) if name in pool],
    }
    for name, part in parts.items():
        if not part:
            raise DataError(
                f'{folder} leaves no image for {name!r}; is {pool_file} the right file?'
            )
    train_file = folder / 'test/train_test/Train.mat'
    _attach(images, _train_appearances(train_file), train_file, log)
    test = Split('test', parts['test'])
    _add_protocol(test, folder / 'test', images, log, progress)
    return Parsed(root, [Split('train', parts['train']), test], OFFICIAL_COUNTS)


def _images(path: Path, log: ConversionLog) -> dict[str, Image]:
    """Read every image with all its boxes, unlabelled."""
    images = {}
    for number, struct in enumerate(elements(load_variable(path, 'Img'), str(path))):
        where = f'{path}, image {number + 1}'
        name = text(struct_field(struct, 'imname', where), f'the name in {where}')
        where = f'{path}, {name}'
        boxes = _boxes(struct_field(struct, 'box', where), where, log)
        if name in images:
            log.warn(f'{path} lists {name} twice; the boxes of the second entry are left out')
            continue
        images[name] = Image(f'{_IMAGES}/{name}', [Person(bbox) for bbox in boxes])
    return images


def _boxes(structs: Any, where: str, log: ConversionLog) -> Iterator[Box]:
    for struct in elements(structs, f'the boxes of {where}'):
        bbox = box(struct_field(struct, 'idlocate', where), f'a box of {where}')
        if bbox is None:
            log.note('dropped an empty box', where)
        elif is_usable(bbox, where, log):
            yield bbox


def _train_appearances(path: Path) -> Iterator[tuple[int, str, Box]]:
    for person_id, struct in enumerate(elements(load_variable(path, 'Train'), str(path))):
        where = f'{path}, person {person_id + 1}'
        for seen in elements(struct_field(struct, 'scene', where), where):
            bbox = box(struct_field(seen, 'idlocate', where), f'a box of {where}')
            if bbox is not None:
                yield person_id, text(struct_field(seen, 'imname', where), where), bbox


def _attach(
    images: dict[str, Image], seen: Iterator[tuple[int, str, Box]], path: Path, log: ConversionLog
) -> None:
    """Assign each identity to the first unlabelled box that is exactly equal."""
    for person_id, name, bbox in seen:
        where = f'{path}, identity {person_id}, {name}'
        people = images[name].people if name in images else []
        equal = [k for k, person in enumerate(people) if person.bbox == bbox]
        if any(people[k].person_id == person_id for k in equal):
            continue
        free = [k for k in equal if people[k].person_id == UNLABELLED]
        if free:
            people[free[0]] = Person(bbox, person_id)
        elif equal:
            log.note('kept the first of two identities given to one box', where, str(bbox))
        else:
            log.note('left out an appearance without an equal box in Images.mat', where, str(bbox))


def _add_protocol(
    test: Split, folder: Path, images: dict[str, Image], log: ConversionLog, progress: Progress
) -> None:
    """Add queries, test identities and galleries from TestG*.mat and the two subsets."""
    sizes = [s for s in GALLERY_SIZES if (folder / f'train_test/TestG{s}.mat').is_file()]
    if not sizes:
        raise DataError(
            f'{folder}/train_test holds no TestG50.mat ... TestG4000.mat; unpack it again'
        )
    reader = _ProtocolReader(test, log)
    for size in progress(sizes, len(sizes), 'reading galleries'):
        path = folder / f'train_test/TestG{size}.mat'
        queries, galleries = reader.read(path, f'TestG{size}')
        if size == sizes[0]:
            test.queries = queries
            seen = [(q.person_id, _name(q.file_name), q.bbox) for q in queries]
            seen += _gallery_appearances(test, galleries)
            _attach(images, iter(seen), path, log)
        elif [(q.file_name, q.bbox) for q in queries] != [
            (q.file_name, q.bbox) for q in test.queries
        ]:
            raise DataError(
                f'{path} has other queries than TestG{sizes[0]}.mat; unpack the data set again'
            )
        test.galleries[str(size)] = galleries
    for name, (stem, variable) in _SUBSETS.items():
        path = folder / f'subset/{stem}.mat'
        if not path.is_file():
            log.warn(f'{path} is missing; there will be no galleries_{name}.npz')
            continue
        queries, galleries = reader.read(path, variable, stem)
        test.galleries[name] = _placed(queries, galleries, test, path, log)


class _ProtocolReader:
    """Reads files of queries and galleries against the images of one split."""

    def __init__(self, test: Split, log: ConversionLog) -> None:
        self.log = log
        self.place = {_name(image.file_name): k for k, image in enumerate(test.images)}
        self.places: dict[bytes, int | None] = {}
        self.codes: dict[bytes, int] = {}
        self.boxes: list[Box] = []

    def read(self, path: Path, *variables: str) -> tuple[list[Query], Galleries]:
        """Read one file; identities are numbered by their position in it."""
        queries: list[Query] = []
        images, codes, offsets = array('q'), array('q'), [0]
        for k, fields in enumerate(walk_struct(path, *variables)):
            where = f'{path}, query {k + 1}'
            if not {'Query', 'Gallery'} <= fields.keys():
                raise DataError(f'{where} has no fields Query and Gallery; is it the right file?')
            query = self._query(decode(fields['Query'], where), len(queries), where)
            if query is None:
                continue
            queries.append(query)
            self._add_gallery(fields['Gallery'], images, codes, where)
            offsets.append(len(images))
        boxes = np.array(self.boxes, np.float32).reshape(-1, 4)[np.array(codes, np.int64)]
        return queries, Galleries(np.array(offsets), np.array(images, np.int64), boxes)

    def _add_gallery(self, gallery: bytes, images: array, codes: array, where: str) -> None:
        for name, bbox in split_struct(gallery, ('imname', 'idlocate'), f'the gallery of {where}'):
            if name not in self.places:
                known = text(decode(name, where), f'a name in {where}')
                self.places[name] = self.place.get(known)
            if bbox not in self.codes:
                self.codes[bbox] = len(self.boxes)
                self.boxes.append(self._gallery_box(bbox, where))
            place = self.places[name]
            if place is None:
                self.log.note('dropped a gallery entry that is not in the pool', where)
                continue
            images.append(place)
            codes.append(self.codes[bbox])

    def _gallery_box(self, matrix: bytes, where: str) -> Box:
        bbox = box(decode(matrix, where), f'a box of {where}')
        return bbox if bbox and is_usable(bbox, where, self.log) else _ABSENT

    def _query(self, structs: np.ndarray, person_id: int, where: str) -> Query | None:
        found = list(elements(structs, where))
        if len(found) != 1:
            raise DataError(f'{where} names {len(found)} queries instead of one')
        name = text(struct_field(found[0], 'imname', where), f'the name in {where}')
        bbox = box(struct_field(found[0], 'idlocate', where), f'the box of {where}')
        if bbox is None or not is_usable(bbox, where, self.log):
            raise DataError(f'{where} has no box with an area; unpack the data set again')
        if name not in self.place:
            self.log.warn(f'{where} names {name}, which is not in the pool; it is left out')
            return None
        return Query(f'{_IMAGES}/{name}', bbox, person_id)


_ABSENT: Box = (float('nan'),) * 4


def _name(file_name: str) -> str:
    return file_name.rsplit('/', 1)[-1]


def _gallery_appearances(test: Split, galleries: Galleries) -> Iterator[tuple[int, str, Box]]:
    for k, query in enumerate(test.queries):
        for entry in range(galleries.offsets[k], galleries.offsets[k + 1]):
            bbox = galleries.bboxes[entry]
            if not np.isnan(bbox[0]):
                name = _name(test.images[galleries.images[entry]].file_name)
                yield query.person_id, name, tuple(float(v) for v in bbox)


def _placed(
    queries: list[Query], galleries: Galleries, test: Split, path: Path, log: ConversionLog
) -> Galleries:
    """Find the queries of a subset among those of the split."""
    place = {(q.file_name, q.bbox): k for k, q in enumerate(test.queries)}
    index = np.array([place.get((q.file_name, q.bbox), -1) for q in queries], np.int64)
    for query, found in zip(queries, index, strict=True):
        if found < 0:
            log.note('dropped a query that the TestG files lack', str(path), query.file_name)
    known = index >= 0
    chosen = galleries.select(known, np.ones(len(test.images), bool))
    return Galleries(chosen.offsets, chosen.images, chosen.bboxes, index[known])
