"""MOT17Det's official layout: short sequences of people who walk through one scene.

Traps of the official files: boxes count from 1 and leave the image, rows of classes that are no
pedestrians, people who stand still as class 7, a sequence length that is not the number of
images, no ground truth for the test sequences.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED
from mmps.synthetic.plan import RecipeError, SceneSpec, share
from mmps.synthetic.recipe import DrawnScene, Job, Recipe
from mmps.synthetic.scene import DrawnPerson

SEQUENCES = {'train': (2, 4, 5, 9, 10, 11, 13), 'test': (1, 3)}
SPLITS = {'train': 0.8, 'test': 0.2}

_SIZE = (480, 360)
_FRAMES_PER_SEQUENCE = 15
_STANDING = 7
_CAR = 3


def plan(recipe: Recipe) -> list[Job]:
    """Plan the frames of every sequence; a small set has fewer sequences, not shorter ones.

    Args:
        recipe: Recipe of the set.

    Returns:
        The frames.

    Raises:
        RecipeError: If there are fewer identities than sequences.
    """
    jobs: list[Job] = []
    sequences = [
        (split, number, frames)
        for split, images in share(recipe.images, SPLITS).items()
        for number, frames in _sequences(split, images)
    ]
    if recipe.identities < len(sequences):
        raise RecipeError(
            f'{recipe.identities} identities are too few for {len(sequences)} sequences; '
            'increase --identities or reduce --images'
        )
    casts = np.array_split(np.arange(recipe.identities), len(sequences))
    for (split, number, frames), cast in zip(sequences, casts, strict=True):
        for frame in range(1, frames + 1):
            spec = SceneSpec(len(jobs), split, number, tuple(int(i) for i in cast), 1)
            jobs.append(Job(spec, f'{split}/MOT17-{number:02d}/img1/{frame:06d}.jpg', _SIZE))
    return jobs


def _sequences(split: str, images: int) -> list[tuple[int, int]]:
    """Divide the frames among numbered sequences."""
    count = max(1, min(len(SEQUENCES[split]), images // _FRAMES_PER_SEQUENCE))
    lengths = [len(part) for part in np.array_split(np.arange(images), count)]
    return list(zip(SEQUENCES[split], lengths, strict=False))


def official_row(scene: DrawnScene, person: DrawnPerson) -> tuple:
    """Write a person as the official files do.

    Args:
        scene: The frame.
        person: The person.

    Returns:
        Frame, track, left, top, width, height, flag, class and visibility.
    """
    x, y, w, h = (round(value) for value in person.box)
    frame = int(Path(scene.file_name).stem)
    if person.identity == UNLABELLED:
        return (frame, 1000, x + 1, y + 1, w, h, 0, _STANDING, person.visible)
    return (frame, person.identity + 1, x + 1, y + 1, w, h, 1, 1, person.visible)


def write(root: Path, scenes: list[DrawnScene], _rng: np.random.Generator) -> None:
    """Write ``seqinfo.ini`` of every sequence and ``gt.txt`` of the training sequences.

    Args:
        root: Folder that holds ``train/``.
        scenes: The drawn frames.
    """
    sequences: dict[str, list[DrawnScene]] = {}
    for scene in scenes:
        sequences.setdefault(str(Path(scene.file_name).parent.parent), []).append(scene)
    for folder, frames in sequences.items():
        width, height = frames[0].width, frames[0].height
        info = (
            f'[Sequence]\nname={Path(folder).name}\nimDir=img1\nframeRate=30\nseqLength=600\n'
            f'imWidth={width}\nimHeight={height}\nimExt=.jpg\n'
        )
        (root / folder / 'seqinfo.ini').write_bytes(info.encode())
        if frames[0].spec.split == 'train':
            (root / folder / 'gt').mkdir()
            (root / folder / 'gt/gt.txt').write_bytes(_ground_truth(frames).encode())


def _ground_truth(frames: list[DrawnScene]) -> str:
    rows = [official_row(scene, person) for scene in frames for person in scene.people]
    rows += [(number, 2000, -9, 150, 90, 60, 0, _CAR, 1.0) for number in range(1, len(frames) + 1)]
    rows.sort(key=lambda row: (row[1], row[0]))
    return ''.join(','.join(f'{value:g}' for value in row) + '\n' for row in rows)
