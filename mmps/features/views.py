"""The views of a box that a cache holds: as annotated, mirrored, jittered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Views:
    """Which views of each box are cached; training then draws one of them at random.

    Attributes:
        mirror: Whether the mirrored image is passed through the network too.
        jitters: Number of displaced boxes to add.
        jitter_scale: Standard deviation of a displaced corner, as a fraction of the box's size.
    """

    mirror: bool = False
    jitters: int = 0
    jitter_scale: float = 0.05

    @property
    def boxes_per_image_pass(self) -> int:
        """Return the boxes pooled for each person in one pass of an image."""
        return 1 + self.jitters

    def __len__(self) -> int:
        """Return the number of views of a person."""
        return self.boxes_per_image_pass * (2 if self.mirror else 1)

    def displaced(self, boxes: Tensor, ann_indices: Tensor) -> Tensor:
        """Compute the boxes of one pass of an image.

        Args:
            boxes: ``(N, 4)`` xyxy.
            ann_indices: ``(N,)`` positions in the annotation file, which seed the jitter.

        Returns:
            ``(N, 1 + jitters, 4)``, the box itself first.
        """
        size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)[:, None]
        draws = [
            np.random.default_rng(int(index)).normal(size=(self.jitters, 4))
            for index in ann_indices
        ]
        shifts = torch.from_numpy(np.array(draws).reshape(len(boxes), self.jitters, 4))
        jittered = boxes[:, None] + shifts.to(boxes) * self.jitter_scale * size
        return torch.cat([boxes[:, None], jittered], dim=1)
