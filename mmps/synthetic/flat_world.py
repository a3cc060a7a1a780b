"""The flat domains: jointed figures in front of a drawn backdrop."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED

from .appearance import Look, Pose, sample_look
from .camera import sample_camera
from .domains import DOMAINS
from .recipe import Job, Recipe
from .scene import (
    Actor,
    DrawnPerson,
    Placement,
    draw_scene,
    draw_stage,
    place_things,
    random_horizon,
    random_place,
)

_MIDDLE = 7.5
"""The frame at which a walker is at its random place."""


def draw_still(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
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


def draw_frame(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw one frame: the scene of its sequence, with people at their places of this frame.

    Args:
        recipe: Recipe of the set.
        job: The frame.

    Returns:
        ``(height, width, 3)`` uint8 BGR, and all people who are at least partly visible.
    """
    spec, domain = job.spec, DOMAINS[recipe.domain]
    rng = recipe.generator('sequence', spec.camera)
    horizon = random_horizon(job.size, rng)
    scenery = domain.scenery(*job.size, horizon, rng)
    frame = int(Path(job.file_name).stem)
    actors = [_walker(recipe, identity, frame, job.size, horizon) for identity in spec.identities]
    standing = Pose('front', mirrored=False, phase=0.0, lean=0.0)
    look, place = sample_look(domain.palette, rng), random_place(job.size, horizon, rng)
    actors.append(Actor(UNLABELLED, look, standing, place, None))
    things = place_things([place], job.size, horizon, rng)
    image, people = draw_stage(scenery, actors, things, domain, rng)
    camera = sample_camera(recipe.generator('camera', spec.camera))
    shown = [person for person in people if person.visible > 0]
    return camera.capture(image, recipe.generator('noise', spec.index)), shown


def _walker(
    recipe: Recipe, identity: int, frame: int, size: tuple[int, int], horizon: int
) -> Actor:
    rng = recipe.generator('walk', identity)
    start = random_place(size, horizon, rng)
    direction = int(rng.choice([-1, 1]))
    sideways = rng.random() < 0.6
    speed = direction * start.height * (rng.uniform(0.03, 0.07) if sideways else 0.005)
    x = start.x + speed * (frame - _MIDDLE)
    view = 'side' if sideways else str(rng.choice(['front', 'back']))
    phase = float(rng.uniform(0, 6) + 0.8 * frame)
    pose = Pose(view, mirrored=direction < 0, phase=phase, lean=float(rng.normal(0, 0.015)))
    place = Placement(x, start.foot, start.height)
    return Actor(identity, identity_look(recipe, identity), pose, place, None)
