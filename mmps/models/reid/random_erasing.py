from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmps.registry import MODELS
from mmps.structures import ConfigError


def erase(
    maps: Tensor, top: Tensor, left: Tensor, height: Tensor, width: Tensor, value: float = 0.0
) -> Tensor:
    """Overwrite one rectangle in each map.

    Args:
        maps: ``(N, C, h, w)``.
        top: ``(N,)`` first row.
        left: ``(N,)`` first column.
        height: ``(N,)`` rows; 0 leaves a map as it is.
        width: ``(N,)`` columns.
        value: Value that replaces the erased cells.

    Returns:
        A copy, ``(N, C, h, w)``.
    """
    rows = torch.arange(maps.shape[2], device=maps.device)
    columns = torch.arange(maps.shape[3], device=maps.device)
    in_rows = (rows >= top[:, None]) & (rows < (top + height)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + width)[:, None])
    inside = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return maps.masked_fill(inside, value)


@MODELS.register_module()
class RandomErasing(BaseModule):
    """Erases a random rectangle of pooled maps in training, so that no part alone decides.

    Zhong et al., "Random Erasing Data Augmentation", algorithm 1, on feature maps and with zeros,
    which is what a ReLU gives where there is nothing.

    Args:
        prob: Share of maps that lose a rectangle, in 0..1.
        area: Smallest and largest area of a rectangle, as fractions of the map.
        aspect: Smallest and largest ratio of a rectangle's height to its width, relative to the
            map's.

    Raises:
        ConfigError: ``prob`` is no probability.
    """

    def __init__(
        self,
        prob: float = 0.5,
        area: tuple[float, float] = (0.02, 0.33),
        aspect: tuple[float, float] = (0.5, 2.0),
    ) -> None:
        if not 0 <= prob <= 1:
            raise ConfigError(f'RandomErasing prob={prob} must be between 0 and 1')
        super().__init__()
        self.prob, self.area, self.aspect = prob, area, aspect

    def forward(self, maps: Tensor) -> Tensor:
        """Erase in ``(N, C, h, w)`` while training; hand it through otherwise."""
        if not self.training or not len(maps):
            return maps
        count, size = len(maps), maps.new_tensor(maps.shape[2:], dtype=torch.float32)
        chosen, area, aspect, *corner = torch.rand(5, count, device=maps.device)
        area = self.area[0] + area * (self.area[1] - self.area[0])
        low, high = torch.tensor(self.aspect).log().tolist()
        stretch = torch.exp((low + aspect * (high - low)) / 2)
        height = (area.sqrt() * stretch * size[0]).round().clamp(1, size[0])
        width = (area.sqrt() / stretch * size[1]).round().clamp(1, size[1])
        height = height * (chosen < self.prob)
        top = (corner[0] * (size[0] - height + 1)).floor()
        left = (corner[1] * (size[1] - width + 1)).floor()
        return erase(maps, top, left, height, width)
