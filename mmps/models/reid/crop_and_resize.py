from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn.functional import interpolate

from mmps.registry import MODELS
from mmps.structures import ConfigError

INTERPOLATIONS = {
    'antialiased bilinear': ('bilinear', True),
    'antialiased bicubic': ('bicubic', True),
    'bilinear': ('bilinear', False),
    'bicubic': ('bicubic', False),
}
"""Mode and antialiasing: with it as Pillow resizes, without it as OpenCV does."""


@MODELS.register_module()
class CropAndResize(BaseModule):
    """Cuts boxes out of images and resizes them, as Pillow's ``crop`` and ``resize`` do.

    Args:
        output_size: (height, width) of a crop.
        swap_channels: Whether crops are RGB where images are BGR, or the other way round.
        interpolation: A key of ``INTERPOLATIONS``.

    Raises:
        ConfigError: There is no such interpolation.
    """

    def __init__(
        self,
        output_size: tuple[int, int],
        swap_channels: bool = False,
        interpolation: str = 'antialiased bilinear',
    ) -> None:
        super().__init__()
        if interpolation not in INTERPOLATIONS:
            raise ConfigError(
                f'interpolation={interpolation!r} must be one of {", ".join(INTERPOLATIONS)}'
            )
        self.output_size = tuple(output_size)
        self.swap_channels = swap_channels
        self.interpolation = interpolation

    def forward(self, images: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Cut every box: see :func:`crop_and_resize`."""
        crops = crop_and_resize(images, rois, self.output_size, self.interpolation)
        return crops.flip(1) if self.swap_channels else crops

    def extra_repr(self) -> str:
        """Describe the settings, for ``repr`` and with it for a cache's fingerprint."""
        return (
            f'output_size={self.output_size}, swap_channels={self.swap_channels}, '
            f'{self.interpolation}'
        )


def crop_and_resize(
    images: Sequence[Tensor],
    rois: Tensor,
    output_size: tuple[int, int],
    interpolation: str = 'antialiased bilinear',
) -> Tensor:
    """Cut boxes out of images of any sizes.

    Bilinear by default, and averaged over what a pixel of the crop covers where the box is larger
    than the crop. Values are rounded to whole numbers: those of ``Image.crop(box).resize(size,
    BILINEAR)`` in Pillow, give or take 1. Only the pixels of a box are copied.

    Args:
        images: ``(3, H, W)`` uint8 each.
        rois: ``(N, 5)`` (image index, x1, y1, x2, y2) in pixels of the images. Corners are rounded
            to whole pixels. What sticks out of the image is cut off; of a box that is outside as a
            whole, or smaller than a pixel, the nearest pixels are left, one in each direction at
            least.
        output_size: (height, width) of a crop.
        interpolation: A key of ``INTERPOLATIONS``.

    Returns:
        ``(N, 3, h, w)`` float32, whole numbers in 0..255.
    """
    if not len(rois):
        return rois.new_zeros(0, 3, *output_size, dtype=torch.float32)
    rois = rois.float()  # half precision does not know every pixel of a large image
    sizes = rois.new_tensor([image.shape[:0:-1] for image in images])
    owners = rois[:, 0].long()
    windows = pixel_windows(rois[:, 1:], sizes[owners]).tolist()
    # A loop, because boxes differ in size.
    return torch.cat(
        [
            _resized(images[owner][:, y1:y2, x1:x2], output_size, interpolation)
            for owner, (x1, y1, x2, y2) in zip(owners.tolist(), windows, strict=True)
        ]
    )


def pixel_windows(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Round boxes to the pixels that are cut out, inside of their images.

    Args:
        boxes: ``(N, 4)`` xyxy in pixels.
        sizes: ``(N, 2)`` (width, height) of the boxes' images.

    Returns:
        ``(N, 4)`` integers, xyxy; at least one pixel wide and high.
    """
    corners = boxes.nan_to_num().round()
    first = corners[:, :2].clamp(min=0).minimum(sizes - 1)
    last = corners[:, 2:].minimum(sizes).maximum(first + 1)
    return torch.cat([first, last], dim=1).long()


def _resized(window: Tensor, size: tuple[int, int], interpolation: str) -> Tensor:
    window = window[None].to(torch.float32, memory_format=torch.contiguous_format)
    mode, antialias = INTERPOLATIONS[interpolation]
    resized = interpolate(window, size, mode=mode, align_corners=False, antialias=antialias)
    return resized.round_().clamp_(0, 255)
