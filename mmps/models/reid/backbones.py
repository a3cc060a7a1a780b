"""The stages of backbones: one function for each family.

A family of one's own is added in one place: a function from a backbone to its stages, registered
with :data:`stages_of`::

    @stages_of.register(MyBackbone)
    def _(backbone: MyBackbone) -> list[Stage]:
        return [Stage([[f'stage{k}.{b}'] for b in range(3)]) for k in range(1, 5)]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

from mmdet.models.backbones import (
    CSPDarknet,
    CSPNeXt,
    MobileNetV2,
    PyramidVisionTransformer,
    SwinTransformer,
)
from mmdet.models.backbones.csp_darknet import Focus
from mmdet.models.backbones.pvt import AbsolutePositionEmbedding
from mmdet.models.layers.transformer import PatchEmbed, nchw_to_nlc, nlc_to_nchw
from torch import Tensor, nn

from mmps.structures import ConfigError


def in_sequence(blocks: Sequence[nn.Module], tail: Sequence[nn.Module]) -> nn.Module:
    """Join modules that take a map and return one."""
    return nn.Sequential(*blocks, *tail)


class TokenStage(nn.Module):
    """A stage of a vision transformer, from map to map.

    Args:
        blocks: Take tokens ``(N, L, C)`` and the map's (height, width), and return tokens, or both
            where they change the size. A ``PatchEmbed`` takes the map.
        tail: Normalisation of the tokens at the end.
    """

    def __init__(self, blocks: Sequence[nn.Module], tail: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.tail = nn.Sequential(*tail)

    def forward(self, maps: Tensor) -> Tensor:
        """Run the blocks: ``(N, C, h, w)`` to ``(N, C', h', w')``."""
        size, tokens = tuple(maps.shape[2:]), nchw_to_nlc(maps)
        for block in self.blocks:
            if isinstance(block, PatchEmbed):
                tokens, size = block(nlc_to_nchw(tokens, size))
                continue
            output = block(tokens, size)
            tokens, size = output if isinstance(output, tuple) else (output, size)
        return nlc_to_nchw(self.tail(tokens), size)


@dataclass(frozen=True)
class Stage:
    """One stage of a backbone; names are those of ``backbone.get_submodule``.

    Attributes:
        blocks: For each block the names of its modules, in the order in which they run. A split
            may lie between two blocks, so whatever precedes the first, such as a downsampling,
            is part of it.
        tail: Names of what runs behind the last block.
        aside: Names of what later stages do not see, such as the normalisation of an output.
        join: Makes one module, from map to map, of blocks and tail.
    """

    blocks: Sequence[Sequence[str]]
    tail: Sequence[str] = ()
    aside: Sequence[str] = ()
    join: Callable[[Sequence[nn.Module], Sequence[nn.Module]], nn.Module] = in_sequence

    def rest(self, backbone: nn.Module, first: int = 0) -> nn.Module:
        """Join the modules behind the first blocks.

        Args:
            backbone: That has them.
            first: How many blocks are left out.
        """
        modules = [[backbone.get_submodule(n) for n in block] for block in self.blocks[first:]]
        tail = [backbone.get_submodule(name) for name in self.tail]
        return self.join([module for block in modules for module in block], tail)

    def names(self, first: int = 0) -> list[str]:
        """List the modules behind the first blocks."""
        return [*(name for block in self.blocks[first:] for name in block), *self.tail]


@singledispatch
def stages_of(backbone: nn.Module) -> list[Stage]:
    """List the stages of a backbone behind its stem.

    The stem, which the paper counts as the first stage C1, ends where the first of them begins.

    Args:
        backbone: Of a family that is known here, or ResNet-like: its ``res_layers`` name stages.

    Raises:
        ConfigError: The backbone is of no known family.
    """
    names = getattr(backbone, 'res_layers', None)
    if not names:
        raise ConfigError(
            f'the stages of {type(backbone).__name__} are not known, so re-ID cannot share some: '
            'choose another backbone (a ResNet-like one, Swin, PVT, CSPDarknet, CSPNeXt, '
            'MobileNetV2), or register its stages with mmps.models.reid.backbones.stages_of'
        )
    return [_layers(backbone, [name]) for name in names]


@stages_of.register
def _csp_darknet(backbone: CSPDarknet) -> list[Stage]:
    # A CSP layer runs its blocks beside a shortcut around all of them, so it is not split.
    return [Stage([[name]], join=_alone) for name in backbone.layers[1:]]


@stages_of.register
def _csp_next(backbone: CSPNeXt) -> list[Stage]:
    return [Stage([[name]], join=_alone) for name in backbone.layers[1:]]


@stages_of.register
def _mobile_net_v2(backbone: MobileNetV2) -> list[Stage]:
    # Of its 7 layers some keep the stride: each stage ends where the stride is about to double.
    layers = [['layer2'], ['layer3'], ['layer4', 'layer5'], ['layer6', 'layer7']]
    stages = [_layers(backbone, names) for names in layers]
    # conv2 always runs, but detectors seldom take its output, so it may never have been trained.
    used = backbone.layers.index('conv2') in backbone.out_indices
    stages[-1] = replace(stages[-1], **{'tail' if used else 'aside': ['conv2']})
    return stages


@stages_of.register
def _swin(backbone: SwinTransformer) -> list[Stage]:
    stages, last = [], len(backbone.stages) - 1
    for index, stage in enumerate(backbone.stages):
        blocks = [[f'stages.{index}.blocks.{number}'] for number in range(len(stage.blocks))]
        if index:  # mmdet keeps the downsampling in the stage before, behind its output
            blocks[0].insert(0, f'stages.{index - 1}.downsample')
        norm = [f'norm{index}'] if index in backbone.out_indices else []
        tail, aside = (norm, []) if index == last else ([], norm)
        stages.append(Stage(blocks, tail, aside, TokenStage))
    return stages


@stages_of.register
def _pvt(backbone: PyramidVisionTransformer) -> list[Stage]:
    stages = []
    for index, (_, layers, _) in enumerate(backbone.layers):
        names = [f'layers.{index}.1.{number}' for number in range(len(layers))]
        before = 1 + isinstance(layers[0], AbsolutePositionEmbedding)
        blocks = [[f'layers.{index}.0', *names[:before]], *([name] for name in names[before:])]
        stages.append(Stage(blocks, [f'layers.{index}.2'], join=TokenStage))
    return stages


def _layers(backbone: nn.Module, names: Sequence[str]) -> Stage:
    """Take layers for a stage, block by block where they are plain sequences."""
    layers = [backbone.get_submodule(name) for name in names]
    if all(type(layer).forward is nn.Sequential.forward for layer in layers):
        pairs = zip(names, layers, strict=True)
        return Stage([[f'{n}.{part}'] for n, layer in pairs for part in layer._modules])
    return Stage([list(names)], join=_alone if len(names) == 1 else in_sequence)


def _alone(blocks: Sequence[nn.Module], tail: Sequence[nn.Module]) -> nn.Module:
    (module,) = (*blocks, *tail)
    return module


def input_channels(backbone: nn.Module) -> int:
    """Find how many channels the images of a backbone have."""
    first = next(layer for layer in backbone.modules() if isinstance(layer, nn.Conv2d))
    # Focus stacks four neighbours into channels before its convolution.
    focus = any(isinstance(layer, Focus) for layer in backbone.modules())
    return first.in_channels // 4 if focus else first.in_channels


def map_entering(arguments: Sequence) -> Tensor:
    """Return what a block is called with as a map ``(N, C, h, w)``.

    Args:
        arguments: The map, or tokens ``(N, L, C)`` and the map's (height, width).
    """
    return arguments[0] if len(arguments) == 1 else nlc_to_nchw(*arguments[:2])
