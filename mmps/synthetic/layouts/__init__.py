"""On-disk layouts of the official data sets, by the name that tools use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmps.synthetic.recipe import Draw, DrawnScene, Job, Recipe
from mmps.synthetic.worlds import draw_frame, draw_still

from . import cuhk_sysu, mot17_det, prw, wider_pedestrian


@dataclass(frozen=True)
class Layout:
    """How a drawn set is planned, drawn and written.

    Attributes:
        images: Default number of images.
        identities: Default number of identities.
        plan: Plans the images.
        write: Writes the annotation files.
        draw: Draws one image.
    """

    images: int
    identities: int
    plan: Callable[[Recipe], list[Job]]
    write: Callable[[Path, list[DrawnScene], np.random.Generator], None]
    draw: Draw = draw_still


LAYOUTS = {
    'cuhk_sysu': Layout(350, 180, cuhk_sysu.plan, cuhk_sysu.write),
    'prw': Layout(320, 140, prw.plan, prw.write),
    'mot17_det': Layout(300, 70, mot17_det.plan, mot17_det.write, draw_frame),
    'wider_pedestrian': Layout(300, 150, wider_pedestrian.plan, wider_pedestrian.write),
}
