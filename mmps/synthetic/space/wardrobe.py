"""What the people of a domain wear, and one identity's choice of it."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmps.synthetic.appearance import Colour

from .cloth import PATTERNS, Cloth
from .skeleton import Frame, sample_frame

Chances = Mapping[str, float]

TONES = {
    'black': (0.6, (0.0, 0.25), (0.07, 0.16)),
    'charcoal': (0.6, (0.0, 0.15), (0.2, 0.32)),
    'grey': (0.6, (0.0, 0.1), (0.42, 0.62)),
    'white': (0.12, (0.0, 0.07), (0.84, 0.95)),
    'navy': (0.63, (0.5, 0.75), (0.2, 0.36)),
    'denim': (0.6, (0.3, 0.5), (0.35, 0.6)),
    'blue': (0.58, (0.5, 0.85), (0.5, 0.8)),
    'beige': (0.1, (0.15, 0.35), (0.6, 0.8)),
    'brown': (0.06, (0.4, 0.6), (0.28, 0.45)),
    'olive': (0.19, (0.3, 0.5), (0.3, 0.45)),
    'green': (0.38, (0.4, 0.75), (0.35, 0.65)),
    'red': (0.0, (0.65, 0.9), (0.5, 0.8)),
    'wine': (0.97, (0.5, 0.7), (0.3, 0.45)),
    'pink': (0.95, (0.2, 0.5), (0.75, 0.92)),
    'orange': (0.07, (0.7, 0.9), (0.75, 0.92)),
    'yellow': (0.14, (0.5, 0.85), (0.8, 0.95)),
    'purple': (0.78, (0.3, 0.6), (0.35, 0.6)),
    'turquoise': (0.49, (0.4, 0.7), (0.5, 0.75)),
}
"""Hue, and the ranges of saturation and value, of the colours that cloth is sold in."""

SKINS = ((225, 184, 160), (205, 160, 132), (178, 130, 98), (136, 94, 66), (92, 62, 46))
HAIRS = ((24, 20, 20), (48, 34, 26), (86, 58, 38), (150, 112, 70), (150, 146, 142), (112, 52, 32))


@dataclass(frozen=True)
class Wardrobe:
    """The statistics of a domain's clothes: each value is a weight.

    Attributes:
        tops: Tones of tops and dresses.
        bottoms: Tones of trousers and skirts.
        patterns: Patterns of tops.
        jackets: Share of people who wear a jacket or a coat over the top.
        legwear: Kinds of legwear: trousers, shorts, skirt, dress.
        long_sleeves: Share of long sleeves among tops.
        bags: Kinds of bags, ``'none'`` among them.
        hats: Kinds of hats, ``'none'`` among them.
        skins: Weights of the skin tones, from light to dark.
    """

    tops: Chances
    bottoms: Chances
    patterns: Chances
    jackets: float
    legwear: Chances
    long_sleeves: float
    bags: Chances
    hats: Chances
    skins: tuple[float, ...] = (0.3, 0.3, 0.2, 0.1, 0.1)


@dataclass(frozen=True)
class Outfit:
    """One identity: everything that is the same in all images; colours are RGB."""

    frame: Frame
    top: Cloth
    jacket: Cloth | None
    jacket_length: float
    bottom: Cloth
    legwear: str
    leg_width: float
    hem: float
    long_sleeves: bool
    shoes: Colour
    skin: Colour
    hair: Colour
    hair_style: str
    bag: str
    bag_cloth: Cloth
    bag_size: float
    hat: str
    hat_colour: Colour


def sample_outfit(wardrobe: Wardrobe, rng: np.random.Generator) -> Outfit:
    """Draw an identity.

    Args:
        wardrobe: Statistics of the domain.
        rng: Stream of this identity.

    Returns:
        The identity's body and clothes.
    """
    frame = sample_frame(rng)
    jacket = None
    if rng.random() < wardrobe.jackets:
        jacket = _cloth(wardrobe.tops, {'plain': 5, 'quilted': 1.5, 'blocks': 1, 'check': 0.6}, rng)
    legwear = pick(wardrobe.legwear, rng)
    bare = legwear in ('skirt', 'dress', 'shorts')
    return Outfit(
        frame=frame,
        top=_cloth(wardrobe.tops, wardrobe.patterns, rng),
        jacket=jacket,
        jacket_length=float(rng.choice([0.0, 0.03, 0.12, 0.2], p=[0.3, 0.4, 0.2, 0.1])),
        bottom=_cloth(wardrobe.bottoms, {'plain': 8, 'check': 0.4, 'vertical': 0.4}, rng),
        legwear=legwear,
        leg_width=float(rng.uniform(0.85, 1.45)),
        hem=float(rng.uniform(0.2, 0.36) if legwear == 'shorts' else rng.uniform(0.12, 0.34)),
        long_sleeves=bool(rng.random() < wardrobe.long_sleeves),
        shoes=tone(pick(_SHOES, rng), rng),
        skin=SKINS[int(rng.choice(len(SKINS), p=wardrobe.skins))],
        hair=HAIRS[int(rng.choice(len(HAIRS), p=(0.34, 0.24, 0.18, 0.1, 0.08, 0.06)))],
        hair_style=pick(_LONG_HAIR if bare and legwear != 'shorts' else _HAIR, rng),
        bag=pick(wardrobe.bags, rng),
        bag_cloth=_cloth(wardrobe.tops, {'plain': 4, 'blocks': 1}, rng),
        bag_size=float(rng.uniform(0.8, 1.25)),
        hat=pick(wardrobe.hats, rng),
        hat_colour=tone(pick(wardrobe.tops, rng), rng),
    )


_SHOES = {'black': 4, 'white': 3, 'grey': 1, 'brown': 1.5, 'navy': 0.7, 'red': 0.5}
_HAIR = {'short': 6, 'long': 2.5, 'bun': 1, 'bald': 0.8}
_LONG_HAIR = {'long': 5, 'bun': 2, 'short': 1}


def pick(chances: Chances, rng: np.random.Generator) -> Any:
    """Draw a key of a mapping in proportion to its weights."""
    weights = np.array(list(chances.values()), float)
    return list(chances)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def tone(name: str, rng: np.random.Generator) -> Colour:
    """Draw a colour of a tone.

    Args:
        name: Key of :data:`TONES`.
        rng: Stream of this identity.

    Returns:
        RGB, 0..255.
    """
    hue, saturation, value = TONES[name]
    rgb = colorsys.hsv_to_rgb(
        (hue + rng.normal(0, 0.012)) % 1, rng.uniform(*saturation), rng.uniform(*value)
    )
    return tuple(int(255 * channel) for channel in rgb)


def _cloth(tones: Chances, patterns: Chances, rng: np.random.Generator) -> Cloth:
    first = pick(tones, rng)
    second = pick({**dict.fromkeys(tones, 1.0), 'white': 3.0, 'black': 2.0}, rng)
    while second == first:
        second = pick(dict.fromkeys(TONES, 1.0), rng)
    pattern = pick(patterns, rng)
    return Cloth(
        colour=tone(first, rng),
        accent=tone(second, rng),
        pattern=PATTERNS[pattern],
        period=float(rng.uniform(0.028, 0.075)),
        share=float(rng.uniform(0.3, 0.6)),
        shift=float(rng.uniform(0, 1)),
    )
