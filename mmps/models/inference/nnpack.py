"""Convolutions of large maps on a CPU by NNPACK, a library that PyTorch brings along.

Its Fourier and Winograd transforms take fewer multiplications than a convolution done directly:
of 256 channels at 80x80 cells in about half of oneDNN's time, equal to 1e-5 of the largest value.
PyTorch by itself uses it where oneDNN is absent.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

SMALLEST_MAP = 1600
"""Cells of a map from which NNPACK is faster: 40x40, the stride 16 of a 640x640 image."""

FEWEST_CHANNELS = 64


def use_nnpack(module: nn.Module, smallest_map: int = SMALLEST_MAP) -> int:
    """Let NNPACK compute a network's 3x3 convolutions of large maps, in place.

    That is for prediction: with gradients, on a GPU, in half precision and for smaller maps they
    are computed as ever. Where PyTorch was built without NNPACK nothing changes.

    Args:
        module: The network, or a part of it.
        smallest_map: Cells of a map, height by width, from which NNPACK computes.

    Returns:
        How many convolutions may be computed by it.
    """
    if not is_available():
        return 0
    convolutions = [layer for layer in module.modules() if is_suitable(layer)]
    for layer in convolutions:
        layer.forward = functools.partial(_forward, layer, smallest_map)
    return len(convolutions)


def is_available() -> bool:
    """Tell whether PyTorch has NNPACK and this processor can run it; makes it ready, too."""
    has_operator = hasattr(torch, '_nnpack_spatial_convolution')
    return has_operator and torch._nnpack_available()


def is_suitable(layer: nn.Module) -> bool:
    """Tell whether a layer is a plain 3x3 convolution of many channels, with stride 1."""
    return (
        isinstance(layer, nn.Conv2d)
        and type(layer).forward is nn.Conv2d.forward
        and layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == layer.padding == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == 'zeros'
        and min(layer.in_channels, layer.out_channels) >= FEWEST_CHANNELS
    )


def _forward(layer: nn.Conv2d, smallest_map: int, inputs: Tensor) -> Tensor:
    is_large = len(inputs) > 0 and inputs.shape[-2] * inputs.shape[-1] >= smallest_map
    is_plain = inputs.device.type == 'cpu' and inputs.dtype == layer.weight.dtype == torch.float32
    if not (is_large and is_plain and inputs.dim() == 4) or torch.is_grad_enabled():
        return nn.Conv2d.forward(layer, inputs)
    weight, inputs = layer.weight.contiguous(), inputs.contiguous()
    # One image at a time: its ways of a batch are twice as slow.
    images = [
        torch._nnpack_spatial_convolution(image, weight, layer.bias, layer.padding, layer.stride)
        for image in inputs.split(1)
    ]
    return images[0] if len(images) == 1 else torch.cat(images)
