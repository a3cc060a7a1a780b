"""Boxes and their coordinates: the only module that converts between images and network input.

Letters used everywhere: N boxes, xyxy = (x1, y1, x2, y2), xywh = (x, y, width, height), all in
pixels, as the annotation files have them (no shift by one).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Boxes = TypeVar('Boxes', np.ndarray, Tensor)


def xywh_to_xyxy(boxes: Boxes) -> Boxes:
    """Convert ``(..., 4)`` boxes; the input is not changed."""
    converted = boxes.copy() if isinstance(boxes, np.ndarray) else boxes.clone()
    converted[..., 2:] += boxes[..., :2]
    return converted


def xyxy_to_xywh(boxes: Boxes) -> Boxes:
    """Convert ``(..., 4)`` boxes; the input is not changed."""
    converted = boxes.copy() if isinstance(boxes, np.ndarray) else boxes.clone()
    converted[..., 2:] -= boxes[..., :2]
    return converted


def image_to_network(boxes: Tensor, scale_factor: tuple[float, float]) -> Tensor:
    """Move boxes from image pixels to pixels of the network's input.

    Args:
        boxes: ``(N, 4)`` xyxy in pixels of the image file.
        scale_factor: (width, height) factors that the resize transform recorded.

    Returns:
        ``(N, 4)`` xyxy in pixels of the network's input.
    """
    return boxes * boxes.new_tensor([*scale_factor, *scale_factor])


def network_to_image(boxes: Tensor, scale_factor: tuple[float, float]) -> Tensor:
    """Move boxes from pixels of the network's input to pixels of the image file.

    Args:
        boxes: ``(N, 4)`` xyxy in pixels of the network's input.
        scale_factor: (width, height) factors that the resize transform recorded.

    Returns:
        ``(N, 4)`` xyxy in pixels of the image file.
    """
    return boxes / boxes.new_tensor([*scale_factor, *scale_factor])


def mirrored(boxes: Tensor, width: int) -> Tensor:
    """Mirror ``(..., 4)`` xyxy boxes in an image of that width."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=-1)
