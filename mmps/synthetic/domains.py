"""The two drawing styles, so different that people do not look the same in both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import props
from .appearance import Palette
from .body import Style
from .scenery import station, street

Prop = Callable[[np.ndarray, float, float, float, np.random.Generator], None]


@dataclass(frozen=True)
class Domain:
    """Everything that defines a drawing style.

    Attributes:
        palette: Colours of clothes.
        style: Proportions and outlines of people.
        scenery: Draws an empty scene.
        distractors: Functions that draw things that are not people.
        occluders: Functions that draw low things that hide legs.
        light: Factors on blue, green and red over the whole image.
        vignette: Share of the light that the corners lose.
        shadow: Share of the light that is lost in a person's shadow.
    """

    palette: Palette
    style: Style
    scenery: Callable[[int, int, int, np.random.Generator], np.ndarray]
    distractors: tuple[Prop, ...]
    occluders: tuple[Prop, ...]
    light: tuple[float, float, float]
    vignette: float
    shadow: float


_STREET = Domain(
    palette=Palette(
        tops=(
            (44, 44, 190),
            (170, 84, 36),
            (62, 140, 52),
            (40, 190, 232),
            (228, 228, 224),
            (52, 48, 46),
            (150, 60, 130),
            (40, 116, 226),
            (190, 178, 70),
            (140, 138, 134),
        ),
        bottoms=(
            (110, 66, 40),
            (46, 42, 42),
            (128, 126, 122),
            (120, 160, 186),
            (60, 84, 70),
            (196, 196, 200),
        ),
        shoes=((36, 34, 34), (222, 222, 222), (44, 70, 110), (52, 52, 170)),
        hair=((28, 26, 26), (36, 54, 82), (84, 140, 182), (150, 150, 152), (38, 66, 140)),
        skin=((176, 200, 236), (150, 182, 226), (112, 150, 202), (74, 106, 156), (52, 72, 110)),
    ),
    style=Style(
        head=(0.053, 0.07), shoulder=0.172, hip=0.5, girth=1.0, outline=0.0, shading=0.38, coat=0.03
    ),
    scenery=street,
    distractors=(props.pillar, props.sign, props.tree, props.car, props.poster, props.crate),
    occluders=(props.bush, props.crate, props.bench),
    light=(1.0, 1.0, 1.0),
    vignette=0.0,
    shadow=0.35,
)

_STATION = Domain(
    palette=Palette(
        tops=(
            (62, 58, 120),
            (122, 92, 70),
            (82, 104, 72),
            (84, 150, 176),
            (196, 188, 180),
            (40, 36, 38),
            (128, 88, 116),
            (70, 98, 160),
            (150, 146, 108),
            (104, 98, 96),
        ),
        bottoms=(
            (96, 74, 62),
            (38, 36, 40),
            (100, 96, 96),
            (88, 112, 130),
            (64, 72, 66),
            (150, 146, 146),
        ),
        shoes=((34, 32, 36), (178, 176, 172), (54, 70, 98), (70, 60, 116)),
        hair=((34, 30, 32), (46, 58, 78), (96, 132, 160), (136, 136, 140), (52, 68, 118)),
        skin=((166, 184, 214), (144, 168, 204), (112, 138, 180), (80, 102, 142), (60, 74, 104)),
    ),
    style=Style(
        head=(0.078, 0.092),
        shoulder=0.205,
        hip=0.55,
        girth=1.22,
        outline=0.011,
        shading=0.16,
        coat=0.075,
    ),
    scenery=station,
    distractors=(props.pillar, props.machine, props.poster, props.sign, props.crate),
    occluders=(props.crate, props.bench),
    light=(0.98, 0.86, 0.8),
    vignette=0.3,
    shadow=0.2,
)

DOMAINS = {'a': _STREET, 'b': _STATION}
