from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class FoundPeople:
    """The people that a model found in one image.

    Attributes:
        path: The image.
        boxes: ``(N, 4)`` xyxy in pixels of the image after EXIF rotation.
        scores: ``(N,)`` in 0..1.
        embeddings: ``(N, D)`` of length 1: a dot product of two is their cosine similarity.
    """

    path: Path
    boxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)
