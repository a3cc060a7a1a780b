"""From the boxes that a detector proposes to those that are people, without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .manifest import Suppression


def candidates(
    levels: Sequence[tuple[np.ndarray, ...]], inside: tuple[int, int], how: Suppression
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Collect the best boxes of each level.

    Args:
        levels: ``(n, 4)`` boxes xyxy, ``(n,)`` scores and, of some detectors, ``(n,)`` factors.
        inside: (height, width) of the image within the input; boxes are cut off there.
        how: What is kept.

    Returns:
        ``(m, 4)`` boxes in pixels of the input, ``(m,)`` scores times factors, and ``(m,)`` numbers
        of levels.
    """
    parts = []
    for number, (boxes, scores, *factors) in enumerate(levels):
        kept = np.flatnonzero(scores > how.min_score)
        if 0 < how.per_level < len(kept):
            kept = kept[np.argsort(-scores[kept], kind='stable')[: how.per_level]]
        chosen = scores[kept] * factors[0][kept] if factors else scores[kept]
        parts.append((boxes[kept], chosen, np.full(len(kept), number)))
    boxes, scores, numbers = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if how.clips:
        height, width = inside
        boxes = boxes.clip(0, np.array([width, height, width, height], dtype=boxes.dtype))
    return boxes, scores, numbers


def best(boxes: np.ndarray, scores: np.ndarray, groups: np.ndarray, how: Suppression) -> np.ndarray:
    """Choose boxes so that no two of one group are too much alike (non-maximum suppression).

    Args:
        boxes: ``(n, 4)`` xyxy.
        scores: ``(n,)``.
        groups: ``(n,)``; boxes of two groups do not compete.
        how: What is kept.

    Returns:
        Positions of the chosen boxes, the best first.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    order = np.argsort(-scores, kind='stable')
    if how.min_size >= 0:
        order = order[(sides[order] > how.min_size).all(axis=1)]
    areas = sides.prod(axis=1)
    chosen = []
    while len(order) and not 0 < how.count <= len(chosen):
        first, others = order[0], order[1:]
        chosen.append(first)
        low = np.maximum(boxes[first, :2], boxes[others, :2])
        high = np.minimum(boxes[first, 2:], boxes[others, 2:])
        shared = (high - low).clip(0).prod(axis=1)
        # As a product, since boxes without an area overlap with nothing.
        alike = shared > how.max_overlap * (areas[first] + areas[others] - shared)
        order = others[~alike | (groups[others] != groups[first])]
    return np.array(chosen, dtype=int)
