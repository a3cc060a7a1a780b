"""PRW's official layout, with the traps of the official files.

One MATLAB file per frame under changing variable names, boxes that are not whole numbers and may
begin left of the image, -2 for people of unknown identity, a query list with Windows line ends
that rounds differently from the MATLAB files, training people among the test frames, and one
camera with smaller images.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mmps.images import read_image
from mmps.structures import UNLABELLED
from mmps.synthetic.drawn_set import plan_splits, write_jpeg
from mmps.synthetic.matfile import cell_column, write_mat
from mmps.synthetic.plan import MIN_APPEARANCES
from mmps.synthetic.recipe import DrawnScene, Job, Recipe
from mmps.synthetic.scene import DrawnPerson

SPLITS = {'train': 0.55, 'test': 0.45}
IDENTITIES = {'train': 0.5, 'test': 0.5}
CAMERAS = 6

_SIZE = (480, 360)
_SMALL_SIZE = (400, 320)
_VARIABLES = ('box_new', 'box_new', 'box_new', 'anno_file', 'anno_previous')
_UNKNOWN = -2
_MARGIN = 4  # the smallest coordinate of official boxes is -4

Row = tuple[float, float, float, float, float]


def plan(recipe: Recipe) -> list[Job]:
    """Plan the frames: training frames first, some training people among the test frames.

    Args:
        recipe: Recipe of the set.

    Returns:
        The frames.
    """
    specs = plan_splits(recipe, SPLITS, IDENTITIES, CAMERAS)
    known = sorted({i for spec in specs if spec.split == 'train' for i in spec.identities})
    rng = recipe.generator('distractors')
    jobs = []
    for spec in specs:
        guest = () if spec.split == 'train' or spec.index % 4 else (int(rng.choice(known)),)
        spec = replace(spec, identities=(*spec.identities, *guest))  # noqa: PLW2901
        size = _SMALL_SIZE if spec.camera == CAMERAS - 1 else _SIZE
        name = f'frames/c{spec.camera + 1}s{1 + spec.index % 3}_{25 * spec.index + 151:06d}.jpg'
        jobs.append(Job(spec, name, size))
    return jobs


def official_rows(scene: DrawnScene) -> list[Row]:
    """Write the people of a frame as the official files do.

    Args:
        scene: The frame.

    Returns:
        Identity (-2: unknown) and xywh of everybody, with fractions of a pixel.
    """
    return [_official_row(scene, person) for person in scene.people]


def _official_row(scene: DrawnScene, person: DrawnPerson) -> Row:
    x, y, w, h = person.box
    x1, y1 = max(x, -_MARGIN), max(y, 0)
    x2, y2 = min(x + w, scene.width + _MARGIN), min(y + h, scene.height)
    fraction = (scene.spec.index % 7) / 7 + 0.00004
    identity = _UNKNOWN if person.identity == UNLABELLED else person.identity + 1
    return (identity, x1 + (x1 > 0) * fraction, y1, x2 - x1 - fraction / 2, y2 - y1 - fraction)


def write(root: Path, scenes: list[DrawnScene], rng: np.random.Generator) -> None:
    """Write every annotation file of the set.

    Args:
        root: Folder that holds ``frames/``.
        scenes: The drawn frames.
        rng: Stream for the queries.
    """
    scenes = sorted(scenes, key=lambda scene: scene.file_name)
    for scene in scenes:
        rows = np.array(official_rows(scene), float).reshape(-1, 5)
        name = f'annotations/{Path(scene.file_name).name}.mat'
        write_mat(root / name, {_VARIABLES[scene.spec.index % len(_VARIABLES)]: rows})
    for split in SPLITS:
        names = [Path(s.file_name).stem for s in scenes if s.spec.split == split]
        write_mat(root / f'frame_{split}.mat', {f'img_index_{split}': cell_column(names)})
    _write_queries(root, scenes, rng)


def queries(
    scenes: list[DrawnScene], rng: np.random.Generator
) -> list[tuple[DrawnScene, DrawnPerson]]:
    """Choose one query for every test identity and camera.

    Args:
        scenes: The drawn frames.
        rng: Stream for the choice.

    Returns:
        Frames and people, by identity and camera.
    """
    known = {i for s in scenes if s.spec.split == 'train' for i in s.spec.identities}
    seen: dict[int, dict[int, list[tuple[DrawnScene, DrawnPerson]]]] = {}
    for scene in scenes:
        for person in scene.people if scene.spec.split == 'test' else ():
            if person.identity not in known | {UNLABELLED}:
                cameras = seen.setdefault(person.identity, {})
                cameras.setdefault(scene.spec.camera, []).append((scene, person))
    return [
        found[int(rng.integers(len(found)))]
        for _, cameras in sorted(seen.items())
        if sum(map(len, cameras.values())) >= MIN_APPEARANCES
        for _, found in sorted(cameras.items())
    ]


def _write_queries(root: Path, scenes: list[DrawnScene], rng: np.random.Generator) -> None:
    lines = []
    (root / 'query_box').mkdir()
    for scene, person in queries(scenes, rng):
        identity, x, y, w, h = _official_row(scene, person)
        stem = Path(scene.file_name).stem
        lines.append(f'{identity} {x:.4f} {y:.4f} {w:.4f} {h:.4f} {stem}\r\n')
        image = read_image(root / scene.file_name)
        crop = image[max(int(y), 0) : int(y + h), max(int(x), 0) : int(x + w)]
        write_jpeg(root / f'query_box/{identity:03d}_{stem}.jpg', crop)
    (root / 'query_info.txt').write_bytes(''.join(lines).encode())
