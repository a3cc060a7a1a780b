"""What a data set holds, in numbers: heights, people per picture, appearances per identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.formats.annotations import person_id


@dataclass(frozen=True)
class Statistics:
    """Distributions over one annotation file; ignore regions do not count.

    Args:
        heights: ``(N,)`` heights of all boxes in pixels.
        boxes_per_image: ``(I,)`` people in each picture.
        appearances: ``(P,)`` pictures that show each identity.
    """

    heights: np.ndarray
    boxes_per_image: np.ndarray
    appearances: np.ndarray


def statistics(content: dict, unlabelled: tuple[int, ...]) -> Statistics:
    """Count.

    Args:
        content: A parsed annotation file.
        unlabelled: Values that stand for an unknown person in this file.

    Returns:
        The distributions.
    """
    people = [a for a in content['annotations'] if not a.get('iscrowd', 0)]
    counts = dict.fromkeys((image['id'] for image in content['images']), 0)
    seen: dict[int, set[int]] = {}
    for person in people:
        counts[person['image_id']] += 1
        seen.setdefault(person_id(person, unlabelled), set()).add(person['image_id'])
    known = [len(images) for identity, images in sorted(seen.items()) if identity >= 0]
    return Statistics(
        heights=np.array([person['bbox'][3] for person in people], float),
        boxes_per_image=np.array(list(counts.values()), np.int64),
        appearances=np.array(known, np.int64),
    )
