"""A whole drawn set: planned, drawn in worker processes, returned image by image."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from .plan import SceneSpec, plan_split, share
from .recipe import Draw, DrawnScene, Job, Recipe
from .worlds import WORLDS

JPEG_QUALITY = 92


def draw_all(
    recipe: Recipe, jobs: list[Job], draw: Draw, root: Path, workers: int
) -> Iterator[DrawnScene]:
    """Draw and write every image.

    Args:
        recipe: Recipe of the set.
        jobs: The images.
        draw: Draws one image; a function of a module, so that processes can share it.
        root: Folder that the file names are relative to.
        workers: Number of processes that draw; the result does not depend on it.

    Yields:
        The images in the order of ``jobs``, each as soon as it is drawn.
    """
    for folder in {(root / job.file_name).parent for job in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
    work = functools.partial(_draw_and_write, recipe, draw, root)
    if workers <= 1:
        yield from map(work, jobs)
        return
    # One thread each: a forked child must not wait for the parent's OpenCV threads.
    with ProcessPoolExecutor(workers, initializer=cv2.setNumThreads, initargs=(0,)) as pool:
        yield from pool.map(work, jobs, chunksize=8)


def plan_splits(
    recipe: Recipe, images: dict[str, float], identities: dict[str, float], cameras: int
) -> list[SceneSpec]:
    """Plan the parts of a set one after the other.

    Args:
        recipe: Recipe of the set.
        images: Name of each part and its fraction of the images.
        identities: Fraction of the identities of each part, in the same order.
        cameras: How many cameras there are.

    Returns:
        The images of all parts in order.
    """
    specs: list[SceneSpec] = []
    crowd = WORLDS[recipe.domain].crowd
    first = 0
    people = share(recipe.identities, identities)
    for split, count in share(recipe.images, images).items():
        ids = range(first, first + people[split])
        rng = recipe.generator('plan', split)
        specs += plan_split(split, count, ids, cameras, len(specs), rng, crowd)
        first = ids.stop
    return specs


def _draw_and_write(recipe: Recipe, draw: Draw, root: Path, job: Job) -> DrawnScene:
    image, people = draw(recipe, job)
    write_jpeg(root / job.file_name, image)
    return DrawnScene(job.spec, job.file_name, *job.size, tuple(people))


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write an image; unlike ``cv2.imwrite``, raise on failure and accept any path.

    Args:
        path: The file.
        image: ``(h, w, 3)`` uint8 BGR.
    """
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.write_bytes(data.tobytes())
