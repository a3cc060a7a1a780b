"""A whole drawn set: planned, drawn in worker processes, returned image by image."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .appearance import Look, sample_look
from .camera import sample_camera
from .domains import DOMAINS
from .plan import SceneSpec, plan_split, share
from .randomness import generator
from .scene import DrawnPerson, draw_scene

JPEG_QUALITY = 92


@dataclass(frozen=True)
class Recipe:
    """Settings that determine every byte of a drawn set.

    Attributes:
        layout: Name of the on-disk layout.
        domain: Name of the drawing style.
        seed: Seed, at least 0.
        images: Number of images.
        identities: Number of identities.
    """

    layout: str
    domain: str
    seed: int
    images: int
    identities: int

    def generator(self, *path: str | int) -> np.random.Generator:
        """Create the random stream of one part of this set.

        Args:
            *path: Names of the part, see :func:`mmps.synthetic.randomness.generator`.
        """
        return generator(self.seed, self.layout, self.domain, *path)


@dataclass(frozen=True)
class DrawnScene:
    """One image on disk and its people.

    Attributes:
        spec: The specification that it was drawn from.
        file_name: Path relative to the root of the set, with forward slashes.
        width: Width in pixels.
        height: Height in pixels.
        people: The annotated people, from back to front.
    """

    spec: SceneSpec
    file_name: str
    width: int
    height: int
    people: tuple[DrawnPerson, ...]


@dataclass(frozen=True)
class Job:
    """One image to draw and where to put it.

    Attributes:
        spec: Specification of the image.
        file_name: Path relative to the root of the set, with forward slashes.
        size: Width and height in pixels.
    """

    spec: SceneSpec
    file_name: str
    size: tuple[int, int]


Draw = Callable[[Recipe, Job], tuple[np.ndarray, list[DrawnPerson]]]


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
    first = 0
    people = share(recipe.identities, identities)
    for split, count in share(recipe.images, images).items():
        ids = range(first, first + people[split])
        rng = recipe.generator('plan', split)
        specs += plan_split(split, count, ids, cameras, len(specs), rng)
        first = ids.stop
    return specs


def draw_random_scene(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw the people of an image at random places.

    Args:
        recipe: Recipe of the set.
        job: The image.

    Returns:
        ``(height, width, 3)`` uint8 BGR and the annotated people.
    """
    domain, spec = DOMAINS[recipe.domain], job.spec
    looks = {i: identity_look(recipe, i) for i in spec.identities}
    camera = sample_camera(recipe.generator('camera', spec.camera))
    rng = recipe.generator('scene', spec.index)
    return draw_scene(looks, spec.strangers, job.size, domain, camera, rng)


def identity_look(recipe: Recipe, identity: int) -> Look:
    """Draw the look of an identity, the same in every image.

    Args:
        recipe: Recipe of the set.
        identity: Number of the identity.

    Returns:
        The look.
    """
    return sample_look(DOMAINS[recipe.domain].palette, recipe.generator('identity', identity))


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
