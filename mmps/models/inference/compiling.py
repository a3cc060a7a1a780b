"""``torch.compile`` for a model whose re-ID branch taps a stage of the detector's backbone."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn


def compile_parts(model: nn.Module, without: Collection[str] = ()) -> None:
    """Compile a detector's stages, neck and head and the re-ID network, each by itself.

    Only ``forward`` is compiled, without hooks: the re-ID branch taps a stage by a hook that
    lives for one pass; compiled code would keep, or miss, the one that was there when it was
    made. On a CPU weights become constants, laid out as its convolutions want them, so that the
    model must not be trained afterwards.

    Args:
        model: A person-search model, or a detector with ``res_layers`` in its backbone.
        without: Names of a detector's parts that stay as they are.
    """
    detector = getattr(model, 'detector', model)
    stages = [getattr(detector.backbone, name) for name in detector.backbone.res_layers]
    names = [name for name in ('neck', 'bbox_head') if name not in without]
    heads = [getattr(detector, name, None) for name in names]
    reid = [model.reid_branch.stages] if hasattr(model, 'reid_branch') else []
    options = {'freezing': True} if is_on_cpu(model) else {}
    for part in filter(None, (*stages, *heads, *reid)):
        part.forward = torch.compile(part.forward, options=options)


def is_on_cpu(model: nn.Module) -> bool:
    """Tell whether a model runs on a CPU."""
    return next(model.parameters()).device.type == 'cpu'
