"""Images and crops as exported networks take them, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from .manifest import Branch, Preparation


@dataclass(frozen=True, eq=False)
class Prepared:
    """The input of a detector.

    Attributes:
        pixels: ``(1, 3, H, W)`` float32.
        scale: (width, height) factors from the image to the input.
        inside: (height, width) of the input without the padding that follows normalisation.
    """

    pixels: np.ndarray
    scale: tuple[float, float]
    inside: tuple[int, int]


def prepared(image: np.ndarray, how: Preparation) -> Prepared:
    """Resize, pad and normalise an image, as the transforms of MMDetection do.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        how: What the network expects.
    """
    height, width = image.shape[:2]
    size = tuple(how.size)
    if how.keep_ratio:
        factor = min(max(size) / max(height, width), min(size) / min(height, width))
        size = (int(width * factor + 0.5), int(height * factor + 0.5))
    pixels = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    scale = (size[0] / width, size[1] / height)
    if how.square:
        margins = [(0, max(size) - length) for length in pixels.shape[:2]]
        sides = [
            np.pad(pixels[..., channel], margins, constant_values=value)
            for channel, value in enumerate(how.fill)
        ]
        pixels = np.stack(sides, axis=2)
    inside = pixels.shape[:2]
    pixels = pixels[..., ::-1] if how.swap_channels else pixels
    pixels = (pixels.astype(np.float32) - np.float32(how.mean)) / np.float32(how.std)
    margins = [(0, -length % how.divisor) for length in inside]
    pixels = np.pad(pixels, [*margins, (0, 0)], constant_values=how.pad_value)
    return Prepared(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), scale, inside)


def crops_of(image: np.ndarray, boxes: np.ndarray, how: Branch) -> np.ndarray:
    """Cut people out of an image and resize them.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        boxes: ``(N, 4)`` xyxy in its pixels.
        how: What the network expects.

    Returns:
        ``(N, 3, h, w)`` float32.
    """
    limits = np.array(image.shape[1::-1])
    corners = np.nan_to_num(boxes).round()
    first = np.minimum(np.maximum(corners[:, :2], 0), limits - 1)
    last = np.maximum(np.minimum(corners[:, 2:], limits), first + 1)
    windows = np.concatenate([first, last], axis=1).astype(int)
    crops = [_resized(image[y1:y2, x1:x2], how) for x1, y1, x2, y2 in windows.tolist()]
    stacked = np.stack(crops).astype(np.float32)
    stacked = stacked[..., ::-1] if how.swap_channels else stacked
    stacked = (stacked - np.float32(how.mean)) / np.float32(how.std)
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))


def _resized(window: np.ndarray, how: Branch) -> np.ndarray:
    height, width = how.size
    if how.interpolation.startswith('antialiased'):
        cubic = how.interpolation.endswith('bicubic')
        form = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
        return np.asarray(Image.fromarray(window).resize((width, height), form))
    form = cv2.INTER_CUBIC if how.interpolation == 'bicubic' else cv2.INTER_LINEAR
    resized = cv2.resize(window.astype(np.float32), (width, height), interpolation=form)
    return resized.round().clip(0, 255)
