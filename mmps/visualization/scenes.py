"""The scenes of hits, with heads blurred where they go on to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmps.gallery import Gallery
from mmps.gallery.scenes import people_of, scenes_of
from mmps.gallery.streams import crop_folders

from .blurring import blurred


def read_scenes(
    gallery: Gallery, hits: Sequence[dict[str, Any]], blur: bool = False
) -> tuple[list[np.ndarray | None], list[str]]:
    """Read the scene of each hit.

    Args:
        gallery: That was searched.
        hits: As :func:`mmps.gallery.exporting.describe` returns them.
        blur: Whether the upper fifth of each box is blurred, of everybody whom the gallery knows
            in a scene, not of the hit alone.

    Returns:
        ``(H, W, 3)`` uint8 BGR for each hit, ``None`` where its file cannot be read any more, and
        why not.
    """
    scenes, problems = scenes_of(hits, gallery.progress(), crop_folders(gallery))
    if blur:
        found = zip(scenes, people_of(gallery, hits), strict=True)
        scenes = [None if scene is None else blurred(scene, boxes) for scene, boxes in found]
    return scenes, problems
