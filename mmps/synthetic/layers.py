"""An image to which figures and things are added from back to front."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Box = tuple[float, float, float, float]


class Layers:
    """An image while it is drawn, with the owner of every pixel.

    Attributes:
        image: ``(height, width, 3)`` uint8 BGR.
        owner: ``(height, width)``: number of the figure that a pixel shows, or -1.
        boxes: Boxes of the whole figures, xywh in pixels, in the order of drawing.

    Args:
        image: The empty scene; it is modified.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.image = image
        self.owner = np.full(image.shape[:2], -1, np.int16)
        self.boxes: list[Box] = []
        self._areas: list[float] = []

    def add_thing(self, draw: Callable[[np.ndarray], object]) -> np.ndarray:
        """Draw a thing; its pixels then belong to nobody.

        Args:
            draw: Draws it into the image.

        Returns:
            ``(height, width)``: where the image changed.
        """
        before = self.image.copy()
        draw(self.image)
        blue, green, red = np.moveaxis(before != self.image, 2, 0)
        changed = blue | green | red  # several times as fast as any(axis=2)
        self.owner[changed] = -1
        return changed

    def add_figure(self, figure: np.ndarray, alpha: np.ndarray, left: int, top: int) -> None:
        """Lay a figure over the image.

        Args:
            figure: ``(h, w, 3)`` BGR 0..255, multiplied by the coverage; may leave the image.
            alpha: ``(h, w)`` coverage, 0..1.
            left: Column of its left edge in the image.
            top: Row of its upper edge.
        """
        solid = alpha > 0.5
        rows, columns = (np.flatnonzero(solid.any(axis=axis)) for axis in (1, 0))
        size = (columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1)
        self.boxes.append(tuple(float(v) for v in (left + columns[0], top + rows[0], *size)))
        self._areas.append(float(solid.sum()))
        height, width = self.owner.shape
        x1, y1 = max(left, 0), max(top, 0)
        x2, y2 = min(left + alpha.shape[1], width), min(top + alpha.shape[0], height)
        if x1 >= x2 or y1 >= y2:
            return
        inside = (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left))
        cover = alpha[inside][..., None]
        patch = self.image[y1:y2, x1:x2]
        patch[:] = np.clip(patch * (1 - cover) + figure[inside], 0, 255).astype(np.uint8)
        self.owner[y1:y2, x1:x2][alpha[inside] > 0.5] = len(self._areas) - 1

    def visible(self, index: int) -> float:
        """Compute the visible share of a figure.

        Args:
            index: Position of the figure in the order of drawing.
        """
        return float((self.owner == index).sum()) / self._areas[index]
