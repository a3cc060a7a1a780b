"""What determines a drawn set, its jobs and their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .plan import SceneSpec
from .randomness import generator
from .scene import DrawnPerson


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
