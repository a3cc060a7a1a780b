"""Four domains in space, which play MOT17Det, WIDER Pedestrian, CUHK-SYSU and PRW."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.synthetic.plan import Crowd

from .film import Films
from .places import Place, hall, park, square, street
from .view import View
from .wardrobe import Wardrobe

Range = tuple[float, float]


@dataclass(frozen=True)
class Views:
    """Where the cameras of a domain hang: ranges of uniform draws.

    Attributes:
        height: Height above the ground in metres.
        horizon: Row of the horizon, in units of the image's height from its top.
        field: Horizontal angle of view in degrees.
        bend: Radial distortion, see :class:`View`.
    """

    height: Range
    horizon: Range
    field: Range
    bend: Range

    def sample(self, size: tuple[int, int], rng: np.random.Generator) -> View:
        """Draw a camera's place and lens.

        Args:
            size: Width and height of its images in pixels.
            rng: Stream of the camera.

        Returns:
            The view.
        """
        width, rows = size
        focal = width / 2 / np.tan(np.deg2rad(rng.uniform(*self.field)) / 2)
        pitch = np.arctan((0.5 - rng.uniform(*self.horizon)) * rows / focal)
        height, bend = rng.uniform(*self.height), rng.uniform(*self.bend)
        return View(size, float(focal), float(height), float(pitch), float(bend))


@dataclass(frozen=True)
class SpaceDomain:
    """Everything that defines a domain in space.

    Attributes:
        crowd: How many people there are.
        tall: Heights of people, in units of the image's height.
        hidden: Largest share of a person that others may hide.
        occluded: Share of people whom a thing partly hides.
        sunny: Share of scenes in sunshine.
        fixed: Whether each camera always sees the same place.
        places: Where scenes are.
        views: The cameras' places.
        films: The cameras' images.
        wardrobe: What people wear.
    """

    crowd: Crowd
    tall: Range
    hidden: float
    occluded: float
    sunny: float
    fixed: bool
    places: tuple[Place, ...]
    views: Views
    films: Films
    wardrobe: Wardrobe


_WINTER = Wardrobe(
    tops={'black': 5, 'charcoal': 3, 'grey': 2.5, 'navy': 3, 'brown': 1.5, 'olive': 1.5, 'beige': 2,
          'white': 1, 'red': 1, 'wine': 1, 'blue': 1, 'purple': 0.5},
    bottoms={'black': 5, 'charcoal': 2, 'denim': 4, 'navy': 2, 'brown': 1, 'beige': 1, 'grey': 1},
    patterns={'plain': 5, 'horizontal': 1.5, 'check': 1, 'print': 1, 'blocks': 1.5, 'mottled': 0.8},
    jackets=0.7,
    legwear={'trousers': 9, 'skirt': 1},
    long_sleeves=0.9,
    bags={'none': 5, 'backpack': 1.5, 'shoulder': 2, 'hand': 1.5, 'suitcase': 0.6},
    hats={'none': 6, 'beanie': 1.5, 'cap': 0.5, 'hood': 2},
)  # fmt: skip
_CITY = Wardrobe(
    tops={'black': 3, 'grey': 2, 'white': 3, 'navy': 2, 'blue': 1.5, 'beige': 1.5, 'red': 1.2,
          'pink': 1, 'green': 0.8, 'olive': 0.8, 'yellow': 0.5, 'purple': 0.6, 'turquoise': 0.5},
    bottoms={'black': 4, 'denim': 4, 'navy': 2, 'grey': 1.5, 'beige': 1.5, 'white': 0.7},
    patterns={'plain': 4, 'horizontal': 2, 'vertical': 0.8, 'check': 1, 'dots': 0.8, 'print': 2.5,
              'band': 1, 'blocks': 1.5, 'mottled': 0.8, 'fade': 0.4},
    jackets=0.38,
    legwear={'trousers': 6, 'shorts': 1.2, 'skirt': 1.4, 'dress': 1.4},
    long_sleeves=0.5,
    bags={'none': 4.5, 'backpack': 1.5, 'shoulder': 2.4, 'hand': 1.6, 'suitcase': 0.3},
    hats={'none': 8.5, 'cap': 0.8, 'beanie': 0.3, 'hood': 0.7},
    skins=(0.28, 0.38, 0.22, 0.07, 0.05),
)  # fmt: skip
_CAMPUS = Wardrobe(
    tops={'white': 4, 'black': 3, 'grey': 2, 'navy': 1.2, 'blue': 1.4, 'turquoise': 0.8,
          'pink': 1.2, 'yellow': 1, 'red': 1, 'green': 1, 'orange': 0.6, 'purple': 0.6},
    bottoms={'denim': 4, 'black': 4, 'beige': 1.5, 'grey': 1.2, 'navy': 1.5, 'white': 0.8},
    patterns={'plain': 5, 'horizontal': 2, 'print': 3, 'blocks': 1.2, 'check': 1, 'dots': 0.6,
              'band': 0.8},
    jackets=0.06,
    legwear={'trousers': 3.2, 'shorts': 3.2, 'skirt': 1.4, 'dress': 1.4},
    long_sleeves=0.15,
    bags={'none': 3, 'backpack': 3.5, 'shoulder': 2, 'hand': 1},
    hats={'none': 9, 'cap': 1},
    skins=(0.3, 0.4, 0.25, 0.03, 0.02),
)  # fmt: skip

SPACE_DOMAINS = {
    'm': SpaceDomain(
        crowd=Crowd((2, 4), 1, 0.36),
        tall=(0.14, 0.62),
        hidden=0.6,
        occluded=0.05,
        sunny=0.4,
        fixed=True,
        places=(street, square, square, hall),
        views=Views((1.5, 5.0), (0.12, 0.42), (45, 65), (-0.02, 0.0)),
        films=Films(0.04, (0.85, 1.2), (0.0, 0.6), (1, 4), (0.75, 1.05), (0.8, 1.15), (0, 0.15),
                    (70, 92)),
        wardrobe=_CITY,
    ),
    'w': SpaceDomain(
        crowd=Crowd((1, 6), 2, 0.6),
        tall=(0.16, 0.6),
        hidden=0.5,
        occluded=0.12,
        sunny=0.55,
        fixed=False,
        places=(street, street, square, park, hall),
        views=Views((2.5, 7.0), (-0.25, 0.2), (50, 95), (-0.12, 0.0)),
        films=Films(0.07, (0.75, 1.35), (0.2, 1.0), (2, 8), (0.5, 1.0), (0.65, 1.2), (0, 0.35),
                    (35, 85)),
        wardrobe=_WINTER,
    ),
    'c': SpaceDomain(
        crowd=Crowd((2, 4), 3, 0.7),
        tall=(0.26, 0.8),
        hidden=0.45,
        occluded=0.1,
        sunny=0.5,
        fixed=False,
        places=(street, street, square, park, hall, hall),
        views=Views((1.2, 2.4), (0.25, 0.46), (32, 62), (0.0, 0.0)),
        films=Films(0.09, (0.75, 1.35), (0.0, 0.9), (1, 6), (0.65, 1.2), (0.7, 1.25), (0, 0.3),
                    (50, 92)),
        wardrobe=_CITY,
    ),
    'p': SpaceDomain(
        crowd=Crowd((2, 5), 2, 0.2),
        tall=(0.2, 0.62),
        hidden=0.5,
        occluded=0.08,
        sunny=0.6,
        fixed=True,
        places=(park, square, street, park, square, park),
        views=Views((1.8, 4.2), (0.02, 0.34), (40, 75), (-0.06, 0.0)),
        films=Films(0.1, (0.75, 1.4), (0.1, 0.9), (2, 6), (0.6, 1.1), (0.75, 1.2), (0, 0.25),
                    (45, 85)),
        wardrobe=_CAMPUS,
    ),
}  # fmt: skip
