"""The boxes of a gallery, sorted by image, as the search reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes in the order of the annotation file's images, then of their rows in the predictions.

    Args:
        images: ``(N,)`` position of each box's image, ascending.
        offsets: ``(I + 1,)``, image ``i`` owns the boxes ``offsets[i]:offsets[i + 1]``.
        bboxes: ``(N, 4)`` xyxy in original pixels.
        scores: ``(N,)``.
        embeddings: ``(N, D)``.
    """

    images: np.ndarray
    offsets: np.ndarray
    bboxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def from_predictions(cls, predictions: Predictions, ground_truth: GroundTruth) -> Detections:
        """Sort predictions by image.

        Args:
            predictions: boxes in any order.
            ground_truth: names the order of the images.
        """
        images = ground_truth.image_positions(predictions.image_ids, 'image_ids of the predictions')
        order = np.argsort(images, kind='stable')
        images = images[order]
        return cls(
            images=images,
            offsets=np.searchsorted(images, np.arange(ground_truth.num_images + 1)),
            bboxes=predictions.bboxes[order],
            scores=predictions.scores[order],
            embeddings=predictions.embeddings[order],
        )
