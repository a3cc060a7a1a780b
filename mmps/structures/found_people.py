from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class FoundPeople:
    """The people that a model found in one image.

    Attributes:
        path: The image or video; ``None`` for an image that came as an array.
        boxes: ``(N, 4)`` xyxy in pixels of the image after EXIF rotation.
        scores: ``(N,)`` in 0..1.
        embeddings: ``(N, D)`` of length 1: a dot product of two is their cosine similarity.
        frame: Number of the frame in its video, from 0; ``None`` for an image.
        time: Of the frame, in seconds; ``None`` where unknown.
    """

    path: Path | None
    boxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray
    frame: int | None = None
    time: float | None = None

    def __len__(self) -> int:
        return len(self.boxes)
