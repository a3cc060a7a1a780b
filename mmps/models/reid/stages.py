"""The split of a backbone by the paper's J: the only module with this arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.model import Sequential
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmps.structures import ConfigError

from .backbones import Stage, TokenStage, input_channels, map_entering, stages_of

USUAL_STAGES = 4
"""Stages behind the stem of a backbone that no detector has cut short."""

PROBE = 64
"""Pixels of a square image that is large enough for strides up to 32."""

SharedStages = int | Sequence[int]
"""The paper's J, or (stage, blocks) for a split behind the first blocks of a stage."""


@dataclass(frozen=True)
class End:
    """The end of a backbone that is shared as a whole, as that of a C4 detector may be.

    Attributes:
        module: The last module, which returns the shared feature.
    """

    module: nn.Module


Entry = nn.Module | End
"""The first module behind a split, which is called with the shared feature, or the end."""


@dataclass(frozen=True)
class Split:
    """The split of a backbone by J.

    Attributes:
        entry: The first module behind the split, or the end of the backbone.
        stage: Number of the stage that the feature belongs to, the stem being the first.
        later: Names of the backbone's modules that the feature does not go through.
        channels: Channels of the feature.
        stride: Pixels of the image per cell of it.
    """

    entry: Entry
    stage: int
    later: tuple[str, ...]
    channels: int
    stride: int


# Not an Exception: a backbone that catches Exceptions of its layers must not catch this one.
class _EnoughComputed(BaseException):
    """Ends a backbone pass as soon as a feature is there.

    No ``Exception``: a backbone that catches those must not catch this one.
    """


def split_backbone(backbone: nn.Module, shared_stages: SharedStages) -> Split:
    """Divide a backbone into the stages that are shared and those that re-ID has for itself.

    Args:
        backbone: Of a family that :func:`stages_of` knows.
        shared_stages: The paper's J: 2, 3 or 4, counting the stem as the first stage. Or
            (stage, blocks): ``(4, 3)`` shares three stages and the first 3 blocks of stage 4. A
            backbone of fewer stages, as C4 detectors have, may be shared as a whole.

    Raises:
        ConfigError: The backbone cannot be divided there.
    """
    stages = stages_of(backbone)
    last = len(stages) + (len(stages) < USUAL_STAGES and stages[-1].join is not TokenStage)
    whole, blocks = _position(stages, shared_stages, type(backbone).__name__, last)
    names = [name for stage in stages[whole:] for name in stage.names()]
    if whole <= len(stages):
        names = [*stages[whole - 1].names(blocks), *names]
    aside = [name for stage in stages for name in stage.aside]
    entry = (
        backbone.get_submodule(names[0])
        if names
        else End(backbone.get_submodule(stages[-1].names()[-1]))
    )
    feature = probe(backbone, entry)
    stride = round(PROBE / feature.shape[2])
    return Split(entry, whole + bool(blocks), (*names, *aside), feature.shape[1], stride)


def replicable_stages(backbone: nn.Module, shared_stages: SharedStages) -> tuple[Sequential, int]:
    """Take the stages behind the shared ones out of a backbone.

    Fed with the shared feature, they compute the backbone's last output.

    Args:
        backbone: Whose modules they are from now on.
        shared_stages: As in :func:`split_backbone`.

    Returns:
        One module for each stage, in order, and the channels of the output.
    """
    stages = stages_of(backbone)
    whole, blocks = _position(stages, shared_stages, type(backbone).__name__, len(stages))
    first, *others = stages[whole - 1 :]
    feature = probe(backbone, backbone.get_submodule(first.names(blocks)[0]))
    later = Sequential(first.rest(backbone, blocks), *(stage.rest(backbone) for stage in others))
    return later, output_channels(later, feature)


def _position(
    stages: Sequence[Stage], shared_stages: SharedStages, backbone: str, last: int
) -> tuple[int, int]:
    """Find how many stages, stem included, are shared whole, and how many blocks of the next."""
    if isinstance(shared_stages, int):
        if 2 <= shared_stages <= last:
            return shared_stages, 0
        raise ConfigError(
            f'shared_stages={shared_stages} is not possible with the {len(stages)} stages '
            f'after the stem; choose 2 to {last} (the paper: 2, 3 or 4)'
        )
    if not _is_pair(shared_stages):
        raise ConfigError(
            f'shared_stages={shared_stages!r} must be a whole number of stages (the paper: 2, 3 or '
            '4), or (stage, blocks), such as (4, 3) to share the first 3 blocks of stage 4'
        )
    stage, blocks = shared_stages
    if not 2 <= stage <= len(stages) + 1:
        raise ConfigError(
            f'shared_stages=({stage}, {blocks}) is not possible: stages 2 to {len(stages) + 1} of '
            f'{backbone} can be split between blocks'
        )
    count = len(stages[stage - 2].blocks)
    if count == 1:
        raise ConfigError(
            f'shared_stages=({stage}, {blocks}) is not possible: stage {stage} of {backbone} '
            'cannot be split between blocks; share a whole number of stages'
        )
    if not 1 <= blocks < count:
        raise ConfigError(
            f'shared_stages=({stage}, {blocks}) is not possible with the {count} blocks of stage '
            f'{stage} of {backbone}: choose 1 to {count - 1}, or a whole number of stages'
        )
    return stage - 1, blocks


def _is_pair(value: Any) -> bool:
    pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    return pair and all(isinstance(number, int) for number in value)


def probe(backbone: nn.Module, entry: Entry) -> Tensor:
    """Compute the feature at a split, for a small black image; nothing changes.

    Configs do not describe channels and strides alike: ``strides`` of a RegNet count the stem's
    second step too.

    Args:
        backbone: Backbone in any mode.
        entry: First module after the split, or the end.
    """
    with _evaluated(backbone):
        return run_to(entry, backbone, black_image(backbone))


def black_image(backbone: nn.Module) -> Tensor:
    """Create an image ``(1, 3, h, w)`` that is as small as a backbone accepts."""
    shape = (1, input_channels(backbone), PROBE, PROBE)
    return next(backbone.parameters()).new_zeros(shape)


def output_channels(module: nn.Module, inputs: Tensor) -> int:
    """Find the channels of a module's output, or of the last of several; nothing changes."""
    with _evaluated(module):
        outputs = module(inputs)
    return (outputs if isinstance(outputs, Tensor) else outputs[-1]).shape[1]


@contextmanager
def _evaluated(module: nn.Module) -> Iterator[None]:
    modes = {part: part.training for part in module.modules()}
    try:
        module.eval()
        with torch.no_grad():
            yield
    finally:
        for part, training in modes.items():
            part.training = training


def watch(entry: Entry, keep: Callable[[Tensor], object]) -> RemovableHandle:
    """Call a function with the feature of each pass of the backbone.

    Args:
        entry: First module after the split, or the end.
        keep: Gets ``(B, C, H, W)``.

    Returns:
        What ends it.
    """

    def entering(module: nn.Module, arguments: tuple) -> None:
        keep(map_entering(arguments))

    def leaving(module: nn.Module, arguments: tuple, output: Tensor) -> None:
        keep(output)

    if isinstance(entry, End):
        return entry.module.register_forward_hook(leaving)
    return entry.register_forward_pre_hook(entering)


def run_to(entry: Entry, backbone: nn.Module, inputs: Tensor) -> Tensor:
    """Compute the feature at a split alone, without what is behind it.

    Args:
        entry: First module after the split, or the end.
        backbone: Takes the inputs.
        inputs: ``(B, 3, H, W)`` normalised images.

    Returns:
        ``(B, C, H / stride, W / stride)``.

    Raises:
        RuntimeError: The backbone does not run this module.
    """
    features: list[Tensor] = []

    def keep(feature: Tensor) -> None:
        features.append(feature)
        raise _EnoughComputed

    handle = watch(entry, keep)
    try:
        backbone(inputs)
    except _EnoughComputed:
        return features[0]
    finally:
        handle.remove()
    raise RuntimeError('the backbone did not run the stage behind the split: there is no feature')
