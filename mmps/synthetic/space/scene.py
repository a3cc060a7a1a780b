"""People and things at places of a scene in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.synthetic import props
from mmps.synthetic.domains import Prop
from mmps.synthetic.layers import Layers
from mmps.synthetic.scene import DrawnPerson, Placement, most_hidden

from .figure import Standing, cast_shadow, draw_figure
from .light import Light
from .texture import noise_at
from .view import View

Rng = np.random.Generator

DISTRACTORS = (props.pillar, props.sign, props.car, props.poster, props.crate, props.machine,
               props.bush, props.bench)  # fmt: skip
OCCLUDERS = (props.bush, props.crate, props.bench, props.car, props.pillar)
_STATURE = 1.7
_TRIES = 40
_SLIM = 0.55
"""Width over height of things that may stand in front of people."""


@dataclass(frozen=True)
class Actor:
    """One person of a scene, and the thing that hides a part of it, if any."""

    identity: int
    standing: Standing
    occluder: Prop | None = None


@dataclass(frozen=True)
class Spot:
    """A place on the ground in metres, and what stands there in pixels."""

    x: float
    z: float
    seen: Placement


def random_spot(view: View, tall: tuple[float, float], rng: Rng) -> Spot:
    """Draw a place by the log-uniform height of a person there.

    Args:
        view: The camera.
        tall: Heights of people, in units of the image's height.
        rng: Stream of the scene.

    Returns:
        A place whose ground is in the image.
    """
    width, rows = view.size
    for _ in range(_TRIES):
        share = tall[0] * (tall[1] / tall[0]) ** rng.random()
        depth = view.focal * _STATURE / (share * rows)
        z = (depth - view.height * np.sin(view.pitch)) / np.cos(view.pitch)
        x = rng.uniform(-0.5, 0.5) * 0.94 * width * depth / view.focal
        spot = spot_at(view, x, z)
        if z > 1 and spot.seen.foot < 1.04 * rows and spot.seen.foot - spot.seen.height > -8:
            break
    return spot


def spot_at(view: View, x: float, z: float) -> Spot:
    """Describe a place on the ground.

    Args:
        view: The camera.
        x: Place in metres to the right.
        z: Place in metres ahead.
    """
    (foot, head), _ = view.project(np.array([[x, 0, z], [x, _STATURE, z]]))
    return Spot(float(x), float(z), Placement(float(foot[0]), float(foot[1]),
                                              float(max(foot[1] - head[1], 4.0))))  # fmt: skip


def place_people(
    labelled: int, strangers: int, view: View, tall: tuple[float, float], hidden: float, rng: Rng
) -> list[Spot]:
    """Draw places where nobody hides too much of anybody; strangers without one are left out.

    Args:
        labelled: Number of people who must have a place.
        strangers: Number of those who may.
        view: The camera.
        tall: Heights of people, in units of the image's height.
        hidden: Largest share of a person that others may hide.
        rng: Stream of the scene.

    Returns:
        The places, first those of the labelled people.
    """
    spots: list[Spot] = []
    for k in range(labelled + strangers):
        taken = [spot.seen for spot in spots]
        best, least = None, np.inf
        for _ in range(_TRIES):
            spot = random_spot(view, tall, rng)
            share = most_hidden(spot.seen, taken)
            if share < least:
                best, least = spot, share
            if least <= hidden * rng.random():
                break
        if best is not None and (least <= hidden or k < labelled):
            spots.append(best)
    return spots


def place_things(people: list[Spot], view: View, tall: tuple[float, float], rng: Rng) -> list[Spot]:
    """Draw places where things hide hardly anybody.

    Args:
        people: Places of the people.
        view: The camera.
        tall: Heights of people, in units of the image's height.
        rng: Stream of the scene.

    Returns:
        The places.
    """
    taken = [spot.seen for spot in people]
    tries = [
        random_spot(view, (0.7 * tall[0], tall[1]), rng) for _ in range(int(rng.integers(3, 8)))
    ]
    return [spot for spot in tries if most_hidden(spot.seen, taken, _SLIM) < 0.15]


def draw_stage(
    scenery: np.ndarray, actors: list[Actor], things: list[Spot], view: View, light: Light, rng: Rng
) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw people and things at their places, the farthest first.

    Args:
        scenery: ``(height, width, 3)`` uint8 BGR, the empty scene; it is modified.
        actors: The people.
        things: Places of things that are not people.
        view: The camera.
        light: The light.
        rng: Stream of this scene.

    Returns:
        ``(height, width, 3)`` uint8 BGR, and all people from back to front.
    """
    layers = Layers(scenery)
    people = sorted(actors, key=lambda actor: -actor.standing.z)
    for actor in people:
        cast_shadow(layers.image, actor.standing, view, light)
    queue = [(-actor.standing.z, actor) for actor in people] + [(-spot.z, spot) for spot in things]
    for _, item in sorted(queue, key=lambda entry: entry[0]):
        if isinstance(item, Spot):
            _add_prop(layers, DISTRACTORS[rng.integers(len(DISTRACTORS))], item.seen, light, rng)
            continue
        layers.add_figure(*draw_figure(item.standing, view, light, rng))
        if item.occluder:
            seen = spot_at(view, item.standing.x, item.standing.z).seen
            aside = float(rng.normal(0, 0.12) * seen.height)
            front = Placement(seen.x + aside, seen.foot + 3, 0.8 * seen.height)
            _add_prop(layers, item.occluder, front, light, rng)
    drawn = [
        DrawnPerson(actor.identity, box, layers.visible(k), actor.occluder is not None)
        for k, (actor, box) in enumerate(zip(people, layers.boxes, strict=True))
    ]
    return layers.image, drawn


def _add_prop(layers: Layers, prop: Prop, place: Placement, light: Light, rng: Rng) -> None:
    """Draw a thing, then put dirt and light on it."""
    changed = layers.add_thing(lambda image: prop(image, place.x, place.foot, place.height, rng))
    rows, columns = np.nonzero(changed)
    dirt = 1 + 0.35 * noise_at(columns + rng.integers(256), rows, 0.8)
    bright = np.array(light.sky[::-1]) + rng.uniform(0.1, 0.6) * np.array(light.sun[::-1])
    lit = layers.image[rows, columns] * dirt[:, None] * bright
    layers.image[rows, columns] = np.clip(lit, 0, 255).astype(np.uint8)
