"""Make a trained model predict faster, with equal results."""

from __future__ import annotations

import copy
from collections.abc import Collection

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn

from ..detectors.disjoint import DisjointDetector
from .compiling import compile_parts, is_on_cpu
from .nnpack import use_nnpack

TRUNK, REID = 'trunk', 're-ID network'
"""Parts that may keep channels together in memory: the detector's backbone, and the branch."""

DENSE_PARTS = ('neck', 'rpn_head', 'bbox_head')
"""Parts of a detector that compute whole maps behind the backbone."""


def prepare(
    model: nn.Module,
    *,
    fuse: bool = True,
    channels_last: Collection[str] | None = None,
    nnpack: bool = True,
    compile: bool = False,
) -> None:
    """Prepare a model for prediction, in place; it must not be trained afterwards.

    What it computes stays the same up to rounding.

    Args:
        model: A person-search model, or any mmdet detector; on its device, in evaluation.
        fuse: Whether batch normalisation is folded into convolutions.
        channels_last: Parts that keep channels together in memory, ``TRUNK`` and ``REID``; where
            left out, the fastest.
        nnpack: Whether NNPACK computes the detector's large maps on a CPU.
        compile: Whether detector and re-ID network are compiled.
    """
    detector = getattr(model, 'detector', model)
    parts = fastest_layout(model) if channels_last is None else channels_last
    if fuse:
        unshare_convolutions(model)
        fuse_conv_bn(model)
    if TRUNK in parts:
        detector.backbone.to(memory_format=torch.channels_last)
    if REID in parts:
        model.reid_branch.to(memory_format=torch.channels_last)
    by_nnpack: set[str] = set()
    if nnpack and is_on_cpu(model):
        # Not the backbone: oneDNN is as fast there, where channels are together in memory.
        dense = ((name, getattr(detector, name, None)) for name in DENSE_PARTS)
        by_nnpack = {name for name, part in dense if part is not None and use_nnpack(part)}
    if compile:
        compile_parts(model, without=by_nnpack)  # compilers do not know NNPACK


def unshare_convolutions(model: nn.Module) -> None:
    """Give each block its own copy of a convolution that several share, in place.

    Some heads share convolutions, but not normalisation, over levels: folded into the one
    convolution, all levels' normalisation would add up.
    """
    seen: set[nn.Module] = set()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and child in seen:
                setattr(parent, name, copy.deepcopy(child))
            seen.add(child)


def fastest_layout(model: nn.Module) -> frozenset[str]:
    """Tell which parts of a model are faster with channels together in memory, as measured.

    On a CPU those are networks of whole images and of crops, but not of pooled features.
    """
    if not is_on_cpu(model):
        return frozenset()
    return frozenset({TRUNK, REID} if isinstance(model, DisjointDetector) else {TRUNK})
