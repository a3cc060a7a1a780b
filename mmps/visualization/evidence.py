"""Hits as files that go on to others: scenes with boxes, crops, and their description."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmps.files import write_json

from .contact_sheet import BOX, crop_of, save_image, with_boxes


def write_evidence(
    folder: Path, described: dict[str, Any], scenes: Sequence[np.ndarray | None]
) -> None:
    """Write each hit as a scene with its box, and as a crop.

    Args:
        folder: Made where it is missing.
        described: Query and hits, as ``mmps search --json`` writes them; a similarity may be
            ``None``.
        scenes: ``(H, W, 3)`` uint8 BGR of each hit; ``None`` where the file is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / 'hits.json', described)
    for hit, scene in zip(described['hits'], scenes, strict=True):
        if scene is None:
            continue
        known = hit['similarity']
        label = str(hit['rank']) if known is None else f'{hit["rank"]}: {known:.3f}'
        name = f'{hit["rank"]:03}_{hit["id"]}'
        save_image(with_boxes(scene, [hit['box']], [BOX], [label]), folder / f'{name}.jpg')
        save_image(crop_of(scene, hit['box']), folder / f'{name}_crop.png')
