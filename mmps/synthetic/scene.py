"""One drawn scene: places of people and things, occlusions, and the resulting boxes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmps.structures import UNLABELLED

from .appearance import Look, Pose, sample_look, sample_pose
from .camera import Camera
from .domains import Domain, Prop
from .figure import draw_figure
from .layers import Box, Layers

Rng = np.random.Generator

MIN_VISIBLE = 0.3
"""Visible share below which people are drawn but not annotated."""

_TALLEST = 0.556
_SMALLEST = 0.139
_TRIES = 40
_MAX_HIDDEN = 0.35


@dataclass(frozen=True)
class DrawnPerson:
    """One annotated person of a scene.

    Attributes:
        identity: Number of the identity, ``UNLABELLED`` for strangers.
        box: Box of the whole figure as xywh in pixels; may leave the image.
        visible: Visible share of the figure, 0..1.
        occluded: Whether a thing was placed in front to hide a part.
    """

    identity: int
    box: Box
    visible: float
    occluded: bool


@dataclass(frozen=True)
class Placement:
    """Place and height of a figure or a thing, in pixels."""

    x: float
    foot: float
    height: float

    def extent(self, slimness: float = 0.36) -> np.ndarray:
        """Estimate the xyxy box.

        Args:
            slimness: Width over height.
        """
        half = 0.5 * slimness * self.height
        return np.array([self.x - half, self.foot - self.height, self.x + half, self.foot])


@dataclass(frozen=True)
class Actor:
    """One person to draw."""

    identity: int
    look: Look
    pose: Pose
    place: Placement
    occluder: Prop | None


class Stage(Layers):
    """An image of a flat domain while it is drawn."""

    def __init__(self, image: np.ndarray, domain: Domain, rng: Rng) -> None:
        super().__init__(image)
        self.domain = domain
        self.rng = rng
        self.light = float(rng.choice([-0.8, 0.8]))

    def add_prop(self, prop: Prop, place: Placement) -> None:
        """Draw a thing at a place."""
        self.add_thing(lambda image: prop(image, place.x, place.foot, place.height, self.rng))

    def add_person(self, actor: Actor) -> None:
        """Draw a person and, if there is one, the thing that hides the legs."""
        place = actor.place
        self._shadow(place)
        figure, alpha = draw_figure(
            actor.look, actor.pose, self.domain.style, place.height, self.light
        )
        left = round(place.x - figure.shape[1] / 2)
        top = round(place.foot + 0.03 * place.height) - figure.shape[0]
        self.add_figure(figure, alpha, left, top)
        if actor.occluder:
            self.add_prop(actor.occluder, Placement(place.x, place.foot + 3, 0.8 * place.height))

    def _shadow(self, place: Placement) -> None:
        mask = np.zeros(self.image.shape[:2], np.uint8)
        centre = (int(place.x - 0.1 * self.light * place.height), int(place.foot))
        radii = (int(0.19 * place.height), max(2, int(0.035 * place.height)))
        cv2.ellipse(mask, centre, radii, 0, 0, 360, 255, -1, cv2.LINE_AA)
        rows = slice(max(centre[1] - radii[1] - 2, 0), max(centre[1] + radii[1] + 2, 0))
        factor = 1 - self.domain.shadow * mask[rows, :, None].astype(np.float32) / 255
        self.image[rows] = (self.image[rows] * factor).astype(np.uint8)


def draw_scene(
    looks: dict[int, Look],
    strangers: int,
    size: tuple[int, int],
    domain: Domain,
    camera: Camera,
    rng: Rng,
) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw a scene at random.

    Args:
        looks: The identities to show.
        strangers: Maximum number of people without identity.
        size: Width and height of the image in pixels.
        domain: The drawing style.
        camera: The camera that sees the scene.
        rng: Stream of this scene.

    Returns:
        ``(height, width, 3)`` uint8 BGR, and the sufficiently visible people, from back to front.
    """
    horizon = random_horizon(size, rng)
    places = _place_people(len(looks), strangers, size, horizon, rng)
    identities = [*looks, *[UNLABELLED] * strangers]
    actors = []
    for identity, place in zip(identities, places, strict=False):
        look = looks[identity] if identity in looks else sample_look(domain.palette, rng)
        occluder = domain.occluders[rng.integers(len(domain.occluders))]
        hidden = rng.random() < 0.1
        actors.append(Actor(identity, look, sample_pose(rng), place, occluder if hidden else None))
    scenery = domain.scenery(*size, horizon, rng)
    things = place_things(places, size, horizon, rng)
    image, people = draw_stage(scenery, actors, things, domain, rng)
    return camera.capture(image, rng), [p for p in people if p.visible >= MIN_VISIBLE]


def draw_stage(
    scenery: np.ndarray, actors: list[Actor], things: list[Placement], domain: Domain, rng: Rng
) -> tuple[np.ndarray, list[DrawnPerson]]:
    """Draw people and things at given places, the farthest first.

    Args:
        scenery: ``(height, width, 3)`` uint8 BGR, the empty scene; it is modified.
        actors: The people.
        things: Places of things that are not people.
        domain: The drawing style.
        rng: Stream of this scene.

    Returns:
        ``(height, width, 3)`` uint8 BGR, and all people from back to front.
    """
    stage = Stage(scenery, domain, rng)
    actors = sorted(actors, key=lambda actor: actor.place.foot)
    queue = [(actor.place.foot, actor) for actor in actors] + [(p.foot, p) for p in things]
    for _, item in sorted(queue, key=lambda entry: entry[0]):
        if isinstance(item, Actor):
            stage.add_person(item)
        else:
            prop = domain.distractors[rng.integers(len(domain.distractors))]
            stage.add_prop(prop, item)
    people = [
        DrawnPerson(actor.identity, box, stage.visible(k), actor.occluder is not None)
        for k, (actor, box) in enumerate(zip(actors, stage.boxes, strict=True))
    ]
    return _lit(stage.image, domain), people


def _lit(image: np.ndarray, domain: Domain) -> np.ndarray:
    height, width = image.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    factor = (1 - domain.vignette * (x**2 + y**2) / 2)[..., None] * domain.light
    return np.clip(image * factor, 0, 255).astype(np.uint8)


def random_horizon(size: tuple[int, int], rng: Rng) -> int:
    """Draw the row where the ground begins.

    Args:
        size: Width and height of the image in pixels.
        rng: Stream of the scene.

    Returns:
        The row.
    """
    return int(size[1] * rng.uniform(0.32, 0.45))


def random_place(size: tuple[int, int], horizon: int, rng: Rng) -> Placement:
    """Draw a log-uniform height and, by perspective, the corresponding place on the ground.

    Args:
        size: Width and height of the image in pixels.
        horizon: Row where the ground begins.
        rng: Stream of the scene.

    Returns:
        The place.
    """
    width, height = size
    share = rng.random()
    tall = height * _SMALLEST * (_TALLEST / _SMALLEST) ** share
    depth = (tall / height - 0.8 * _SMALLEST) / (_TALLEST - 0.8 * _SMALLEST)
    foot = horizon + depth * (0.99 * height - horizon) + rng.normal(0, 0.016 * height)
    x = rng.uniform(0.1 * tall, width - 0.1 * tall)
    return Placement(float(x), float(foot), float(tall))


def _hidden(behind: np.ndarray, front: np.ndarray) -> float:
    """Compute the share of the xyxy box ``behind`` that the box ``front`` covers."""
    overlap = np.minimum(behind[2:], front[2:]) - np.maximum(behind[:2], front[:2])
    return float(np.prod(np.clip(overlap, 0, None)) / np.prod(behind[2:] - behind[:2]))


def most_hidden(candidate: Placement, others: list[Placement], slimness: float = 0.36) -> float:
    """Estimate how much somebody would be hidden if one more person or thing stood there.

    Args:
        candidate: The new place.
        others: The places that are taken.
        slimness: Width over height of the newcomer.

    Returns:
        The largest hidden share, of the newcomer or of anybody behind it, 0..1.
    """
    extent = candidate.extent(slimness)
    shares = [
        _hidden(other.extent(), extent)
        if other.foot < candidate.foot
        else _hidden(extent, other.extent())
        for other in others
    ]
    return max(shares, default=0.0)


def _place_people(
    labelled: int, strangers: int, size: tuple[int, int], horizon: int, rng: Rng
) -> list[Placement]:
    """Draw places where nobody hides too much of anybody; strangers without one are left out."""
    places: list[Placement] = []
    for k in range(labelled + strangers):
        tries = [random_place(size, horizon, rng) for _ in range(_TRIES)]
        hidden = [most_hidden(place, places, 0.36) for place in tries]
        fits = [t for t, share in zip(tries, hidden, strict=True) if share <= _MAX_HIDDEN]
        if fits or k < labelled:
            places.append(fits[0] if fits else tries[int(np.argmin(hidden))])
    return places


def place_things(
    people: list[Placement], size: tuple[int, int], horizon: int, rng: Rng
) -> list[Placement]:
    """Draw places where things hide hardly anybody.

    Args:
        people: Places of the people.
        size: Width and height of the image in pixels.
        horizon: Row where the ground begins.
        rng: Stream of the scene.

    Returns:
        The places.
    """
    places = []
    for _ in range(int(rng.integers(3, 7))):
        place = random_place(size, horizon, rng)
        if most_hidden(place, people, 0.7) < 0.15:
            places.append(place)
    return places
