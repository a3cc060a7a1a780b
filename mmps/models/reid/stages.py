"""The one place that knows the stages of a backbone, and where the paper's J divides them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmps.structures import ConfigError

PROBE = 64
"""Pixels of a square image that is large enough for strides up to 32."""


@dataclass(frozen=True)
class Split:
    """Where J divides a backbone.

    Attributes:
        last_shared: The stage whose output re-ID gets.
        later: Names of the stages behind it.
        channels: Of that output.
        stride: Pixels of the image per cell of it.
    """

    last_shared: nn.Module
    later: list[str]
    channels: int
    stride: int


class _EnoughComputed(BaseException):
    """Ends a backbone pass as soon as a stage's output is there."""


def split_backbone(backbone: nn.Module, shared_stages: int) -> Split:
    """Divide a backbone into the stages that are shared and those that re-ID has for itself.

    Args:
        backbone: A ResNet-like backbone: it lists its stages in ``res_layers``.
        shared_stages: The paper's J: 2, 3 or 4, counting the stem as the first stage.

    Raises:
        ConfigError: The backbone has no such stages.
    """
    names = stage_names(backbone)
    if not 2 <= shared_stages <= len(names):
        raise ConfigError(
            f'shared_stages={shared_stages} is not possible with the {len(names)} stages '
            f'after the stem; choose 2 to {len(names)} (the paper: 2, 3 or 4)'
        )
    stage = getattr(backbone, names[shared_stages - 2])
    return Split(stage, names[shared_stages - 1 :], *measure(backbone, stage))


def stage_names(backbone: nn.Module) -> list[str]:
    """List the stages after the stem, in order.

    Raises:
        ConfigError: The backbone is not ResNet-like.
    """
    names = getattr(backbone, 'res_layers', None)
    if not names:
        raise ConfigError(
            f'{type(backbone).__name__} has no `res_layers`: sharing needs a ResNet-like backbone '
            '(ResNet, ResNeXt, Res2Net, ...)'
        )
    return list(names)


@torch.no_grad()
def measure(backbone: nn.Module, stage: nn.Module) -> tuple[int, int]:
    """Find a stage's channels and stride by one small pass, which changes nothing.

    Configs do not tell them alike: ``strides`` of a RegNet count the stem's second step too.

    Args:
        backbone: In any mode.
        stage: Of it.
    """
    modes = {module: module.training for module in backbone.modules()}
    first = next(layer for layer in modes if isinstance(layer, nn.Conv2d))
    try:
        backbone.eval()
        output = run_to(stage, backbone, first.weight.new_zeros(1, first.in_channels, PROBE, PROBE))
    finally:
        for module, training in modes.items():
            module.training = training
    return output.shape[1], round(PROBE / output.shape[2])


def run_to(stage: nn.Module, backbone: nn.Module, inputs: Tensor) -> Tensor:
    """Compute a stage's output alone, without the stages behind it.

    Args:
        stage: Of the backbone.
        backbone: Takes the inputs.
        inputs: ``(B, 3, H, W)`` normalised images.

    Returns:
        ``(B, C, H / stride, W / stride)``.

    Raises:
        RuntimeError: The backbone does not run this stage.
    """
    outputs: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Tensor) -> None:
        outputs.append(output)
        raise _EnoughComputed

    handle = stage.register_forward_hook(keep)
    try:
        backbone(inputs)
    except _EnoughComputed:
        return outputs[0]
    finally:
        handle.remove()
    raise RuntimeError('the backbone did not run the stage, so there is no output')
