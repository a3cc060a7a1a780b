"""Images of the domains in space, from a recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED
from mmps.synthetic.recipe import Job, Recipe
from mmps.synthetic.scene import MIN_VISIBLE, DrawnPerson

from .domains import SPACE_DOMAINS, SpaceDomain
from .figure import Standing
from .film import Film
from .light import sample_light
from .scene import (
    OCCLUDERS,
    Actor,
    Spot,
    draw_stage,
    place_people,
    place_things,
    random_spot,
    spot_at,
)
from .skeleton import Stance, sample_stance
from .view import View
from .wardrobe import Outfit, sample_outfit

_MIDDLE = 15
"""The frame at which a walker is at its random spot."""


def draw_still(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw the people of an image at random places of a scene of its own.

    Args:
        recipe: Recipe of the set.
        job: The image.

    Returns:
        ``(height, width, 3)`` uint8 BGR and the sufficiently visible people, from back to front.
    """
    domain, spec = SPACE_DOMAINS[recipe.domain], job.spec
    rng = recipe.generator('scene', spec.index)
    key = ('fixed', spec.camera) if domain.fixed else ('free', spec.index)
    view, scenery, light, film = _open_scene(recipe, domain, job.size, key, rng)
    strangers = int(rng.integers(0, spec.strangers + 1))
    count = len(spec.identities)
    spots = place_people(count, strangers, view, domain.tall, domain.hidden, rng)
    outfits = [outfit_of(recipe, identity) for identity in spec.identities]
    outfits += [sample_outfit(domain.wardrobe, rng) for _ in spots[count:]]
    identities = [*spec.identities, *[UNLABELLED] * (len(spots) - count)]
    actors = [
        _actor(identity, outfit, spot, domain, rng)
        for identity, outfit, spot in zip(identities, outfits, spots, strict=True)
    ]
    things = place_things(spots, view, domain.tall, rng)
    image, people = draw_stage(scenery, actors, things, view, light, rng)
    return film.capture(image, rng), [p for p in people if p.visible >= MIN_VISIBLE]


def draw_frame(recipe: Recipe, job: Job) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw one frame: the scene of its sequence, with people at their places of this frame.

    Args:
        recipe: Recipe of the set.
        job: The frame.

    Returns:
        ``(height, width, 3)`` uint8 BGR, and all people who are at least partly visible.
    """
    domain, spec = SPACE_DOMAINS[recipe.domain], job.spec
    rng = recipe.generator('sequence', spec.camera)
    view, scenery, light, film = _open_scene(recipe, domain, job.size, ('fixed', spec.camera), rng)
    frame = int(Path(job.file_name).stem)
    actors = [_walker(recipe, identity, frame, view) for identity in spec.identities]
    spot = random_spot(view, domain.tall, rng)
    standing = Stance(float(rng.uniform(-np.pi, np.pi)), 0.0, 0.0, (0.2, 0.2), (0.0, 0.0), 0.0)
    stranger = Standing(sample_outfit(domain.wardrobe, rng), standing, spot.x, spot.z)
    actors.append(Actor(UNLABELLED, stranger))
    things = place_things([spot], view, domain.tall, rng)
    image, people = draw_stage(scenery, actors, things, view, light, rng)
    shown = [person for person in people if person.visible > 0]
    return film.capture(image, recipe.generator('noise', spec.index)), shown


def outfit_of(recipe: Recipe, identity: int) -> Outfit:
    """Draw the outfit of an identity, the same in every image.

    Args:
        recipe: Recipe of the set.
        identity: Number of the identity.

    Returns:
        The outfit.
    """
    wardrobe = SPACE_DOMAINS[recipe.domain].wardrobe
    return sample_outfit(wardrobe, recipe.generator('identity', identity))


def _open_scene(
    recipe: Recipe, domain: SpaceDomain, size: tuple[int, int], key: tuple, rng
) -> tuple:
    """Draw camera, empty place and light; a fixed camera has the same view and place each time."""
    camera = recipe.generator('camera', *key)
    view = domain.views.sample(size, camera)
    film: Film = domain.films.sample(camera)
    place = domain.places[
        key[1] % len(domain.places) if domain.fixed else int(camera.integers(len(domain.places)))
    ]
    light = sample_light(domain.sunny, rng)
    return view, place(view, light, recipe.generator('place', *key)), light, film


def _actor(identity: int, outfit: Outfit, spot: Spot, domain: SpaceDomain, rng) -> Actor:
    towards = np.arctan2(spot.x, spot.z)
    heading = float(rng.uniform(-np.pi, np.pi))
    if rng.random() < 0.5:  # along the street
        heading = float(towards + rng.choice([0.0, np.pi]) + rng.normal(0, 0.35))
    hidden = rng.random() < domain.occluded
    occluder = OCCLUDERS[rng.integers(len(OCCLUDERS))] if hidden else None
    return Actor(identity, Standing(outfit, sample_stance(heading, rng), spot.x, spot.z), occluder)


def _walker(recipe: Recipe, identity: int, frame: int, view: View) -> Actor:
    domain = SPACE_DOMAINS[recipe.domain]
    rng = recipe.generator('walk', identity)
    start = random_spot(view, domain.tall, rng)
    heading = float(rng.uniform(-np.pi, np.pi))
    stance = sample_stance(heading, rng)
    step = float(rng.uniform(0.03, 0.09)) * stance.walking * (frame - _MIDDLE)
    x, z = start.x + step * np.sin(heading), start.z + step * np.cos(heading)
    spot = spot_at(view, x, max(z, 1.2))
    phase = float(stance.phase + 0.9 * stance.walking * frame)
    moved = Stance(heading, phase, stance.walking, stance.elbows, stance.arms, stance.nod)
    return Actor(identity, Standing(outfit_of(recipe, identity), moved, spot.x, spot.z))
