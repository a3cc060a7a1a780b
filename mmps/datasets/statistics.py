"""Statistics of a data set: heights, people per image, appearances per identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.formats.annotations import Annotations
from mmps.structures import is_labelled


@dataclass(frozen=True)
class Statistics:
    """Distributions over one annotation file; ignore regions do not count.

    Attributes:
        heights: ``(N,)`` heights of all boxes in pixels.
        boxes_per_image: ``(I,)`` people in each image.
        appearances: ``(P,)`` images that show each identity.
    """

    heights: np.ndarray
    boxes_per_image: np.ndarray
    appearances: np.ndarray


def statistics(annotations: Annotations) -> Statistics:
    """Count people.

    Args:
        annotations: Content of a file.

    Returns:
        The distributions.
    """
    people = [k for k, is_person in enumerate(annotations.people) if is_person]
    counts = dict.fromkeys((image['id'] for image in annotations.images), 0)
    seen: dict[int, set[int]] = {}
    for k in people:
        counts[annotations.image_ids[k]] += 1
        seen.setdefault(annotations.person_ids[k], set()).add(annotations.image_ids[k])
    known = [len(images) for identity, images in sorted(seen.items()) if is_labelled(identity)]
    return Statistics(
        heights=np.array([annotations.bboxes[k][3] for k in people], float),
        boxes_per_image=np.array(list(counts.values()), np.int64),
        appearances=np.array(known, np.int64),
    )
