"""The domains by name: who is in their images, and how one image is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import flat_world
from .plan import Crowd
from .recipe import Draw, Job, Recipe
from .scene import DrawnPerson
from .space import world as space_world
from .space.domains import SPACE_DOMAINS


@dataclass(frozen=True)
class World:
    """How the images of a domain are drawn.

    Attributes:
        crowd: How many people there are.
        still: Draws an image of a scene of its own.
        frame: Draws a frame of a sequence, in which the same people walk through one scene.
    """

    crowd: Crowd
    still: Draw
    frame: Draw


WORLDS = {
    name: World(Crowd(), flat_world.draw_still, flat_world.draw_frame)
    for name in flat_world.DOMAINS
} | {
    name: World(domain.crowd, space_world.draw_still, space_world.draw_frame)
    for name, domain in SPACE_DOMAINS.items()
}


def draw_still(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw an image of a scene of its own.

    Args:
        recipe: Recipe of the set.
        job: The image.

    Returns:
        ``(height, width, 3)`` uint8 BGR and the annotated people.
    """
    return WORLDS[recipe.domain].still(recipe, job)


def draw_frame(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw a frame of a sequence.

    Args:
        recipe: Recipe of the set.
        job: The frame.

    Returns:
        ``(height, width, 3)`` uint8 BGR, and all people who are at least partly visible.
    """
    return WORLDS[recipe.domain].frame(recipe, job)
