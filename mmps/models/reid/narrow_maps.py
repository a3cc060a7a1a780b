from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

HALF = (torch.bfloat16, torch.float16)


def exact_narrow_maps(maps: Tensor) -> AbstractContextManager:
    """Open around layers so that half precision on a CPU gives the right values there.

    Where a CPU has AMX, torch 2.13 (oneDNN 3.12) computes convolutions of bfloat16 and float16
    wrongly where they have strides and their output is one cell wide: random numbers, NaN. Boxes
    pooled at 2:1 come to that. On every CPU, what ends one cell wide is computed in single
    precision instead.

    Args:
        maps: Input of the layers.
    """
    half = maps.dtype in HALF or torch.is_autocast_enabled('cpu')
    return _ExactNarrowMaps() if half and maps.device.type == 'cpu' else nullcontext()


class _ExactNarrowMaps(TorchFunctionMode):
    """Computes convolutions whose output is one cell wide in single precision."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if function is torch.conv2d and _output_width(*args, **kwargs) == 1:
            return _convolve(*args, **kwargs)
        return function(*args, **kwargs)


def _convolve(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any, **kw: Any
) -> Tensor:
    half = torch.get_autocast_dtype('cpu') if torch.is_autocast_enabled('cpu') else input.dtype
    with torch.autocast('cpu', enabled=False):
        bias = bias if bias is None else bias.float()
        return torch.conv2d(input.float(), weight.float(), bias, *rest, **kw).to(half)


def _output_width(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> int:
    if padding == 'same':
        return input.shape[-1]
    margin = 0 if padding == 'valid' else _last(padding)
    reach = _last(dilation) * (weight.shape[-1] - 1)
    return (input.shape[-1] + 2 * margin - reach - 1) // _last(stride) + 1


def _last(numbers: int | Sequence[int]) -> int:
    return numbers if isinstance(numbers, int) else numbers[-1]
