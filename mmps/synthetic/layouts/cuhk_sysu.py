"""CUHK-SYSU's official layout, with the traps of the official files.

Struct nesting and number types follow the published files: boxes in the smallest unsigned type
(so that x + w overflows), empty gallery entries as 1 x 0 doubles, misnamed variables in the
subsets, zero-size boxes, a gallery entry that occurs twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED
from mmps.synthetic.drawn_set import plan_splits
from mmps.synthetic.matfile import cell_column, smallest_unsigned, struct_array, write_mat
from mmps.synthetic.plan import MIN_APPEARANCES
from mmps.synthetic.recipe import DrawnScene, Job, Recipe
from mmps.synthetic.scene import DrawnPerson

GALLERY_SIZES = (50, 100, 500, 1000, 2000, 4000)
SPLITS = {'train': 0.62, 'test': 0.38}
IDENTITIES = {'train': 5 / 9, 'test': 4 / 9}
SIZE = (480, 360)
CAMERAS = 6
LOW_RESOLUTION = 70
"""People below this height in pixels make up the resolution subset."""

_ZERO_SIZE_EVERY = 40


@dataclass(frozen=True)
class Appearance:
    """One identity in one image, in the numbers of the file."""

    name: str
    box: tuple[int, int, int, int]
    person: DrawnPerson

    @property
    def fields(self) -> dict:
        """Return the struct of the official files."""
        return {
            'imname': self.name,
            'idlocate': smallest_unsigned(np.array([self.box])),
            'ishard': np.array([[self.person.visible < 0.6]], np.uint8),
        }


def plan(recipe: Recipe) -> list[Job]:
    """Plan the images.

    Args:
        recipe: Recipe of the set.

    Returns:
        The images; official names count from 1, with gaps, and are not padded.
    """
    specs = plan_splits(recipe, SPLITS, IDENTITIES, CAMERAS)
    return [Job(s, f'Image/SSM/s{s.index + 1 + s.index // 50}.jpg', SIZE) for s in specs]


def official_box(scene: DrawnScene, person: DrawnPerson) -> tuple[int, int, int, int]:
    """Write a box as the official files do: whole numbers from 1, inside the image.

    Args:
        scene: The image.
        person: A person in it.

    Returns:
        xywh.
    """
    x, y, w, h = person.box
    x1, y1 = max(round(x), 1), max(round(y), 1)
    x2, y2 = min(round(x + w), scene.width), min(round(y + h), scene.height)
    return (x1, y1, x2 - x1, y2 - y1)


def write(root: Path, scenes: list[DrawnScene], rng: np.random.Generator) -> None:
    """Write every annotation file of the set.

    Args:
        root: Folder that holds ``Image/``.
        scenes: The drawn images.
        rng: Stream for queries and galleries.
    """
    folder = root / 'annotation'
    seen = {split: appearances(scenes, split) for split in SPLITS}
    _write_images(folder / 'Images.mat', scenes)
    everybody = [list_ for split in SPLITS for list_ in seen[split].values()]
    names = [identity for split in SPLITS for identity in seen[split]]
    persons = [_person(i, a) for i, a in zip(names, everybody, strict=True)]
    person_fields = ('idname', 'nAppear', 'scene')
    write_mat(folder / 'Person.mat', {'Person': struct_array(persons, person_fields)})
    train = [struct_array([_person(i, a)], person_fields) for i, a in seen['train'].items()]
    write_mat(folder / 'test/train_test/Train.mat', {'Train': cell_column(train)})
    pool = [Path(scene.file_name).name for scene in scenes if scene.spec.split == 'test']
    write_mat(folder / 'pool.mat', {'pool': cell_column(pool)})
    _write_protocol(folder / 'test', seen['test'], pool, rng)


def appearances(scenes: list[DrawnScene], split: str) -> dict[int, list[Appearance]]:
    """Collect the appearances by which each identity of a split can be searched or learned.

    Args:
        scenes: The drawn images.
        split: ``'train'`` or ``'test'``.

    Returns:
        The appearances of each identity that has at least two.
    """
    found: dict[int, list[Appearance]] = {}
    for scene in scenes:
        if scene.spec.split != split:
            continue
        for person in scene.people:
            if person.identity != UNLABELLED:
                box = official_box(scene, person)
                appearance = Appearance(Path(scene.file_name).name, box, person)
                found.setdefault(person.identity, []).append(appearance)
    return {i: found[i] for i in sorted(found) if len(found[i]) >= MIN_APPEARANCES}


def _person(identity: int, seen: list[Appearance]) -> dict:
    scene = struct_array([a.fields for a in seen], ('imname', 'idlocate', 'ishard'))
    return {'idname': f'p{identity + 1}', 'nAppear': len(seen), 'scene': scene}


def _write_images(path: Path, scenes: list[DrawnScene]) -> None:
    rows = []
    for scene in scenes:
        boxes = [official_box(scene, person) for person in scene.people]
        if scene.spec.index % _ZERO_SIZE_EVERY == 0:
            boxes.append((30, 40, 0, 25))
        records = [
            {'idlocate': smallest_unsigned(np.array([box])), 'ishard': np.zeros((1, 1), np.uint8)}
            for box in boxes
        ]
        box = struct_array(records, ('idlocate', 'ishard'))
        rows.append({'imname': Path(scene.file_name).name, 'nAppear': len(boxes), 'box': box})
    write_mat(path, {'Img': struct_array(rows, ('imname', 'nAppear', 'box'))})


def _write_protocol(
    folder: Path, seen: dict[int, list[Appearance]], pool: list[str], rng: np.random.Generator
) -> None:
    """Write one query per identity, in every gallery size that the pool is large enough for.

    A pool of 50 images or fewer still has TestG50: with all images except the query's.
    """
    queries = {i: seen[i][int(rng.integers(len(seen[i])))] for i in rng.permutation(list(seen))}
    others = {i: [a for a in seen[i] if a is not query] for i, query in queries.items()}
    without = {i: _without(pool, seen[i], rng) for i in queries}
    twice = next(iter(queries), None)
    for size in [size for size in GALLERY_SIZES if size < len(pool)] or GALLERY_SIZES[:1]:
        entries = min(size, len(pool) - 1)
        rows = [
            _row(i, queries[i], others[i], without[i], entries, twice=i == twice) for i in queries
        ]
        data = {f'TestG{size}': struct_array(rows, ('Query', 'Gallery'))}
        write_mat(folder / f'train_test/TestG{size}.mat', data)
    size = min(100, len(pool) - 1)
    hidden = [i for i in queries if any(a.person.occluded for a in [queries[i], *others[i]])]
    small = [i for i in queries if queries[i].box[3] < LOW_RESOLUTION]
    for name, variable, chosen in (
        ('Occlusion', 'Occlusion1', hidden),
        ('Resolution', 'Test_Size', small),
    ):
        extra = {'occlusion': np.ones((1, 1), np.uint8)} if name == 'Occlusion' else {}
        rows = [_row(i, queries[i], others[i], without[i], size) | extra for i in chosen]
        data = {variable: struct_array(rows, ('Query', 'Gallery', *extra))}
        write_mat(folder / f'subset/{name}.mat', data)


def _without(pool: list[str], seen: list[Appearance], rng: np.random.Generator) -> list[str]:
    present = {a.name for a in seen}
    absent = [name for name in pool if name not in present]
    return [absent[k] for k in rng.permutation(len(absent))]


def _row(
    identity: int,
    query: Appearance,
    others: list[Appearance],
    without: list[str],
    size: int,
    *,
    twice: bool = False,
) -> dict:
    """Build one query and its gallery: first images with the person, then images without."""
    empty = {'idlocate': np.zeros((1, 0)), 'ishard': np.zeros((1, 0))}
    entries = [a.fields for a in [*others, *others[: int(twice)]]][:size]
    entries += [{'imname': name, **empty} for name in without[: size - len(entries)]]
    fields = ('imname', 'idlocate', 'ishard')
    query_struct = struct_array(
        [query.fields | {'idname': f'p{identity + 1}'}], (*fields, 'idname')
    )
    return {'Query': query_struct, 'Gallery': struct_array(entries, fields)}
