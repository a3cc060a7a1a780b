"""How many boxes per image a detector may bring."""

from __future__ import annotations

import math

import numpy as np

from mmps.structures import ConfigError


def budget_threshold(scores: np.ndarray, num_images: int, boxes_per_image: float) -> float:
    """Find the score threshold that keeps so many boxes per image on average.

    Args:
        scores: ``(N,)`` of all detections.
        num_images: number of images, those without detections included.
        boxes_per_image: boxes per image that are kept, at least one box in all; all boxes, if there
            are fewer.

    Returns:
        Smallest score that is kept; boxes of equal score stay together.

    Raises:
        ConfigError: if the number of boxes is not positive, or not finite.
    """
    if not 0 < boxes_per_image < math.inf:
        raise ConfigError(f'boxes per image must be positive numbers, not {boxes_per_image:g}.')
    count = max(1, round(num_images * boxes_per_image))
    if count >= len(scores):
        return float('-inf')
    return float(np.partition(scores, len(scores) - count)[len(scores) - count])
