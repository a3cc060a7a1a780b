"""Batch normalisation folded into convolutions: fewer operations, equal results."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from mmcv.cnn import fuse_conv_bn
from mmdet.structures import DetDataSample
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

DETECTOR_PARTS = ('backbone', 'neck', 'rpn_head', 'bbox_head')
"""Parts that compute whole maps: their outputs do not hang on a choice of boxes."""

SIZE = 256
"""Pixels of the square image on which parts are compared."""

TOLERANCE = 1e-4
"""Largest difference, as a fraction of the largest output, that is rounding."""


@torch.no_grad()
def fold_normalisation(model: nn.Module) -> list[str]:
    """Fold batch normalisation into convolutions, in place; the model must not be trained after.

    The parts of a detector that compute whole maps, and the re-ID network, are folded one by one,
    each only if its folded copy gives the same outputs for an image of noise.

    Args:
        model: A person-search model, or any mmdet detector; on its device, in evaluation.

    Returns:
        Names of the parts that have normalisation and stay as they are, as folding would change
        what they compute, or they were not run.
    """
    detector = getattr(model, 'detector', model)
    parts = {name: getattr(detector, name, None) for name in DETECTOR_PARTS}
    branch = getattr(model, 'reid_branch', None)
    parts['re-ID network'] = getattr(branch, 'stages', None)
    parts = {k: v for k, v in parts.items() if isinstance(v, nn.Module) and has_normalisation(v)}
    with torch.backends.cudnn.flags(allow_tf32=False), _calls_of(parts) as calls:
        with suppress(Exception):  # some detectors need more than an image, such as a text
            detector.predict(_noise(model, 1, 3, SIZE, SIZE), [_sample()])
        if 're-ID network' in parts:
            branch.stages(_noise(model, 2, *model.pooled_shape))
        unequal = [n for n, p in parts.items() if n not in calls or not _is_equal(p, *calls[n])]
    for name in parts.keys() - set(unequal):
        fuse_conv_bn(parts[name])
    return unequal


def has_normalisation(module: nn.Module) -> bool:
    """Check whether a module normalises batches."""
    return any(isinstance(layer, _BatchNorm) for layer in module.modules())


@contextmanager
def _calls_of(parts: dict[str, nn.Module]) -> Iterator[dict[str, tuple]]:
    """Note inputs and outputs of the last call of each part."""
    calls: dict[str, tuple] = {}

    def note(name: str, inputs: tuple, output: Any) -> None:
        calls[name] = (inputs, output)

    handles = [
        part.register_forward_hook(lambda _, i, o, name=name: note(name, i, o))
        for name, part in parts.items()
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _is_equal(part: nn.Module, inputs: tuple, output: Any) -> bool:
    folded = fuse_conv_bn(copy.deepcopy(part))
    pairs = zip(_tensors(folded(*inputs)), _tensors(output), strict=True)
    return all(
        (one - other).abs().max() <= TOLERANCE * other.abs().max()
        for one, other in pairs
        if other.numel()
    )


def _tensors(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, Sequence):
        return [tensor for part in outputs for tensor in _tensors(part)]
    return []


def _noise(model: nn.Module, *shape: int) -> Tensor:
    like = next(model.parameters())
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator).to(like.device, like.dtype)


def _sample() -> DetDataSample:
    shape = (SIZE, SIZE)
    keys = ('img_shape', 'ori_shape', 'pad_shape', 'batch_input_shape')
    meta = dict.fromkeys(keys, shape) | {'scale_factor': (1.0, 1.0)}
    return DetDataSample(metainfo={'img_id': 0, **meta})
