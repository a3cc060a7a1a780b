"""WIDER Pedestrian's layout of 2018: one text file of boxes and one of ignore regions per split.

Traps of the official files: groups of five numbers with a class, images without anybody as a
lone name, an empty line at the end.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED
from mmps.synthetic.drawn_set import plan_splits
from mmps.synthetic.recipe import DrawnScene, Job, Recipe
from mmps.synthetic.scene import DrawnPerson

SPLITS = {'train': 0.75, 'val': 0.25}
CAMERAS = 6

_SIZE = (480, 360)
_EMPTY_EVERY = 20
_PEDESTRIAN = 1
_CYCLIST = 2


def plan(recipe: Recipe) -> list[Job]:
    """Plan the images; every 20th shows nobody.

    Args:
        recipe: Recipe of the set.

    Returns:
        The images.
    """
    jobs = []
    for spec in plan_splits(recipe, SPLITS, SPLITS, CAMERAS):
        if spec.index % _EMPTY_EVERY == _EMPTY_EVERY - 1:
            spec = replace(spec, identities=(), strangers=0)  # noqa: PLW2901
        jobs.append(Job(spec, f'{spec.split}/img{spec.index + 1:05d}.jpg', _SIZE))
    return jobs


def official_box(scene: DrawnScene, person: DrawnPerson) -> tuple[int, int, int, int, int]:
    """Write a person as the official files do.

    Args:
        scene: The image.
        person: The person.

    Returns:
        Class and xywh; every identity that 9 divides counts as a cyclist.
    """
    x, y, w, h = person.box
    x1, y1 = max(round(x), 0), max(round(y), 0)
    x2, y2 = min(round(x + w), scene.width), min(round(y + h), scene.height)
    cyclist = person.identity != UNLABELLED and person.identity % 9 == 0
    return (_CYCLIST if cyclist else _PEDESTRIAN, x1, y1, x2 - x1, y2 - y1)


def write(root: Path, scenes: list[DrawnScene], _rng: np.random.Generator) -> None:
    """Write boxes and ignore regions: strangers far away stand in ignore regions.

    Args:
        root: Folder that holds ``train/`` and ``val/``.
        scenes: The drawn images.
    """
    for split in SPLITS:
        boxes, ignored = [], []
        for scene in (scene for scene in scenes if scene.spec.split == split):
            name = Path(scene.file_name).name
            kept = [official_box(scene, p) for p in scene.people if not is_ignored(p)]
            numbers = [str(number) for box in kept for number in box]
            boxes.append(' '.join([name, *numbers]))
            regions = [official_box(scene, p)[1:] for p in scene.people if is_ignored(p)]
            if regions:
                numbers = [str(number) for region in regions for number in region]
                ignored.append(' '.join([name, *numbers]))
        (root / f'{split}_annotations.txt').write_bytes('\n'.join([*boxes, '', '']).encode())
        path = root / f'pedestrian_ignore_part_{split}.txt'
        path.write_bytes('\n'.join([*ignored, '']).encode())


def is_ignored(person: DrawnPerson) -> bool:
    """Check whether a person becomes an ignore region.

    Args:
        person: The person.

    Returns:
        Whether it is a stranger less than 75 pixels tall.
    """
    return person.identity == UNLABELLED and person.box[3] < 75
