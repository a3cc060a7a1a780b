"""RoIAlign as two small matrix products per box, which CPUs do well.

The mean over a bin's grid of bilinear samples is separable: every sample's weight is a product of
a weight by row and one by column, and so is the rule for samples outside of the map. With
``A_y (h, H)`` and ``A_x (w, W)``, the weights of all rows and columns in each bin, a pooled box is
``A_y F A_x'``. He et al., "Mask R-CNN", section 3; sampling as mmcv's ``RoIAlign`` does it.
"""

from __future__ import annotations

import torch
from torch import Tensor


def separable_roi_align(
    feature: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int = 0,
) -> Tensor:
    """Pool boxes exactly as ``mmcv.ops.roi_align`` with ``aligned=True`` and averages.

    Args:
        feature: ``(B, C, H, W)``.
        rois: ``(N, 5)`` (image index in the batch, x1, y1, x2, y2), in pixels of the network's
            input.
        output_size: (height, width) of a pooled box.
        spatial_scale: Cells of the feature map per pixel.
        sampling_ratio: Samples per bin and axis; 0 for one per cell that the bin spans.

    Returns:
        ``(N, C, h, w)``.
    """
    if not len(rois):
        return feature.new_zeros(0, feature.shape[1], *output_size)
    x1, y1, x2, y2 = (rois[:, 1:].float() * spatial_scale - 0.5).unbind(1)
    rows, tops, bottoms = _axis_weights(y1, y2, output_size[0], feature.shape[2], sampling_ratio)
    columns, lefts, rights = _axis_weights(x1, x2, output_size[1], feature.shape[3], sampling_ratio)
    rows, columns = rows.to(feature.dtype), columns.to(feature.dtype).transpose(1, 2)
    windows = zip(rois[:, 0].long().tolist(), tops, bottoms, lefts, rights, strict=True)
    # Channels that are together in memory, and many, make long rows of one product.
    together = feature.stride(1) == 1 and feature.shape[1] > output_size[1]
    pool = _pool_channels_last if together else _pool
    # A loop, because boxes differ in size: a batched product would pad all to the largest.
    pooled = [
        pool(
            feature[image, :, top:bottom, left:right],
            rows[n, :, : bottom - top],
            columns[n, : right - left],
        )
        for n, (image, top, bottom, left, right) in enumerate(windows)
    ]
    return torch.stack(pooled).contiguous()


def _pool(window: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pool a box: ``(C, H, W)`` by ``(h, H)`` and ``(W, w)`` to ``(C, h, w)``."""
    return rows @ (window @ columns)


def _pool_channels_last(window: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Do the same without a copy of a window whose channels are together in memory."""
    height, width = rows.shape[0], columns.shape[0]
    lines = rows @ window.permute(1, 2, 0).flatten(1)
    return (columns.T @ lines.view(height, width, -1)).permute(2, 0, 1)


def _axis_weights(
    start: Tensor, end: Tensor, bins: int, length: int, sampling_ratio: int
) -> tuple[Tensor, list[int], list[int]]:
    """Weigh the cells of one axis, from the first to the last that a box touches.

    Args:
        start: ``(N,)`` ends of the boxes, in cells, 0 being the centre of the first.
        end: ``(N,)``.
        bins: Number of bins.
        length: Cells of the map.
        sampling_ratio: As above.

    Returns:
        ``(N, bins, L)`` weights of the cells from each box's first, L being those of the largest
        box, then the first cell of each box and the one after its last.
    """
    size = end - start
    samples = torch.full_like(size, sampling_ratio) if sampling_ratio else (size / bins).ceil()
    samples = samples[:, None, None].clamp_min(0)
    bin_size = (size / bins)[:, None, None]
    bin_index = torch.arange(bins, device=size.device)[None, :, None]
    sample_index = torch.arange(max(int(samples.max()), 1), device=size.device)
    places = start[:, None, None] + bin_index * bin_size
    places = places + (sample_index + 0.5) * bin_size / samples.clamp_min(1)
    counted = (sample_index < samples) & (places >= -1) & (places <= length)
    places = places.clamp(0, length - 1)
    first = places.amin((1, 2)).floor()
    last = (places.amax((1, 2)).floor() + 2).clamp_max(length)
    cells = torch.arange(int((last - first).max()), device=size.device)
    distance = (places - first[:, None, None])[..., None] - cells
    shares = counted / samples.clamp_min(1)
    weights = ((1 - distance.abs()).clamp_min(0) * shares[..., None]).sum(2)
    return weights, first.long().tolist(), last.long().tolist()
