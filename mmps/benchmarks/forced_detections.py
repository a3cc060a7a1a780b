"""A detector that does all its work and then returns exactly the requested people."""

from __future__ import annotations

import math
from typing import Any

import torch
from mmdet.models.dense_heads import AnchorHead
from torch import Tensor

CANDIDATE_LOGIT, PERSON_LOGIT, BACKGROUND_LOGIT = 1.0, 3.0, -12.0
HEIGHTS = (90.0, 150.0)
"""Pixels of a 640x640 input: about what pedestrians measure in CUHK-SYSU and PRW, resized."""


class PlantedPeople:
    """Replaces the outputs of a RetinaNet-like head by a known scene.

    An untrained detector finds nothing, a trained one different numbers in different images, so
    times would not be comparable. The head computes as usual; then its output is overwritten.
    Decoding and non-maximum suppression have their usual work (nine cells find each person, with
    different scores) and return ``count`` boxes per image. People are on a regular grid and half
    as wide as tall. The scene is built in the first pass and reused for inputs of the same size.

    Use it as a context manager around passes.

    Args:
        head: The detector's head.
        count: People per image.
    """

    def __init__(self, head: AnchorHead, count: int) -> None:
        self.head = head
        self.count = count
        self._scenes: dict[tuple, tuple] = {}

    def __enter__(self) -> PlantedPeople:
        self._handle = self.head.register_forward_hook(self._plant)
        return self

    def __exit__(self, *error: Any) -> None:
        self._handle.remove()

    def _plant(self, head: AnchorHead, inputs: Any, output: tuple) -> tuple:
        kind = tuple((level.shape, level.dtype, level.device) for level in output[0])
        if kind not in self._scenes:
            self._scenes[kind] = self._make(head, output)
        return self._scenes[kind]

    def _make(self, head: AnchorHead, output: tuple) -> tuple:
        scores, deltas = ([level.clone() for level in levels] for levels in output)
        level = next((k for k, s in enumerate(head.prior_generator.strides) if s[0] == 16), 0)
        for single in scores:
            single.fill_(BACKGROUND_LOGIT)
        stride = head.prior_generator.strides[level][0]
        size = (scores[level].shape[3] * stride, scores[level].shape[2] * stride)
        boxes = people_on_a_grid(self.count, size)
        self._write(scores[level], deltas[level], boxes.to(scores[level].device), level)
        return scores, deltas

    def _write(self, scores: Tensor, deltas: Tensor, boxes: Tensor, level: int) -> None:
        height, width = scores.shape[2:]
        generator = self.head.prior_generator
        stride = generator.strides[level][0]
        priors = generator.single_level_grid_priors((height, width), level, device=boxes.device)
        anchors = generator.num_base_priors[level]
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / stride
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                column = (centre[:, 0].long() + right).clamp(0, width - 1)
                row = (centre[:, 1].long() + down).clamp(0, height - 1)
                own = priors[(row * width + column) * anchors]
                wanted = self.head.bbox_coder.encode(own, boxes)
                is_centre = down == 0 and right == 0
                scores[:, 0, row, column] = PERSON_LOGIT if is_centre else CANDIDATE_LOGIT
                deltas[:, :4, row, column] = wanted.T.to(deltas.dtype)


def people_on_a_grid(count: int, size: tuple[int, int]) -> Tensor:
    """Place people evenly, with different heights.

    Args:
        count: Number of people.
        size: (width, height) of the input in pixels.

    Returns:
        ``(count, 4)`` xyxy inside the input; people are smaller in inputs under 640 pixels.
    """
    side = math.ceil(math.sqrt(count))
    index = torch.arange(count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    heights = torch.linspace(*HEIGHTS, max(count, 2))[order] * min(size) / 640
    sizes = torch.stack([heights / 2, heights], dim=1)
    margin = sizes.amax(0) / 2
    room = torch.tensor(size, dtype=torch.float32) - 2 * margin
    place = torch.stack([index % side, index // side], dim=1) / max(side - 1, 1)
    centres = margin + place * room
    return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1)
