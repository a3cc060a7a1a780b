"""The look of a drawn person (an identity) and one appearance of it (a pose)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Colour = tuple[int, int, int]

PATTERNS = ('plain', 'horizontal', 'vertical', 'check', 'logo', 'two-tone')
SLEEVES = ('long', 'short')
LEGWEAR = ('trousers', 'shorts', 'skirt')
HAIR_STYLES = ('short', 'long', 'bun')
BAGS = ('none', 'backpack', 'shoulder', 'hand')
HATS = ('none', 'cap', 'beanie')
VIEWS = ('front', 'back', 'side')


@dataclass(frozen=True)
class Palette:
    """The clothing colours of a domain, BGR; only a few, so that people share them."""

    tops: tuple[Colour, ...]
    bottoms: tuple[Colour, ...]
    shoes: tuple[Colour, ...]
    hair: tuple[Colour, ...]
    skin: tuple[Colour, ...]


@dataclass(frozen=True)
class Look:
    """One identity: everything that is the same in all images."""

    top: Colour
    accent: Colour
    bottom: Colour
    shoes: Colour
    hair: Colour
    skin: Colour
    bag_colour: Colour
    hat_colour: Colour
    pattern: str
    sleeves: str
    legwear: str
    hair_style: str
    bag: str
    hat: str
    build: float


@dataclass(frozen=True)
class Pose:
    """One appearance of a person: the view and the moment of a step."""

    view: str
    mirrored: bool
    phase: float
    lean: float


def sample_look(palette: Palette, rng: np.random.Generator) -> Look:
    """Draw an identity.

    Args:
        palette: Colours of the domain.
        rng: Stream of this identity.

    Returns:
        The identity's look.
    """
    top, accent, bag, hat = (_pick(palette.tops, rng) for _ in range(4))
    while accent == top:
        accent = _pick(palette.tops, rng)
    return Look(
        top=top,
        accent=accent,
        bottom=_pick(palette.bottoms, rng),
        shoes=_pick(palette.shoes, rng),
        hair=_pick(palette.hair, rng),
        skin=_pick(palette.skin, rng),
        bag_colour=bag,
        hat_colour=hat,
        pattern=_pick(PATTERNS, rng, (0.3, 0.14, 0.14, 0.14, 0.14, 0.14)),
        sleeves=_pick(SLEEVES, rng),
        legwear=_pick(LEGWEAR, rng, (0.56, 0.24, 0.2)),
        hair_style=_pick(HAIR_STYLES, rng, (0.5, 0.35, 0.15)),
        bag=_pick(BAGS, rng, (0.46, 0.22, 0.18, 0.14)),
        hat=_pick(HATS, rng, (0.74, 0.14, 0.12)),
        build=float(rng.uniform(0.86, 1.2)),
    )


def sample_pose(rng: np.random.Generator) -> Pose:
    """Draw one appearance of a person.

    Args:
        rng: Stream of the scene.

    Returns:
        The pose.
    """
    return Pose(
        view=_pick(VIEWS, rng, (0.36, 0.28, 0.36)),
        mirrored=bool(rng.random() < 0.5),
        phase=float(rng.uniform(0, 2 * np.pi)),
        lean=float(rng.normal(0, 0.018)),
    )


def _pick(options: tuple, rng: np.random.Generator, chances: tuple | None = None) -> Any:
    return options[int(rng.choice(len(options), p=chances))]
