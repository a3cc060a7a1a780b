"""In which bits two checkpoints differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

COMPARED = ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers')
"""Entries of a checkpoint that a run resumes from; the others contain times and logs."""


def compare(whole: Path, resumed: Path) -> list[str]:
    """Compare two checkpoints: weights, averages, states of the optimizer and the schedules.

    Args:
        whole: Checkpoint of an uninterrupted run.
        resumed: Checkpoint of a resumed run.

    Returns:
        Names of the tensors and numbers in which they differ in any bit.
    """
    a, b = (torch.load(path, map_location='cpu', weights_only=True) for path in (whole, resumed))
    return [
        difference
        for key in COMPARED
        for difference in differences(a.get(key), b.get(key), key)
    ]  # fmt: skip


def differences(a: Any, b: Any, name: str = '') -> list[str]:
    """List the tensors and numbers in which two states differ in any bit.

    Args:
        a: State of tensors, dicts, lists and plain values.
        b: The other state.
        name: Prefix of their names.
    """
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return [] if same_bits(a, b) else [name]
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return [f'{name} (keys)']
        return [d for key in a for d in differences(a[key], b[key], f'{name}.{key}')]
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            return [f'{name} (length)']
        pairs = enumerate(zip(a, b, strict=True))
        return [d for i, (x, y) in pairs for d in differences(x, y, f'{name}.{i}')]
    return [] if type(a) is type(b) and a == b else [name]


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Check whether two tensors have the same bytes: 0.0 is not -0.0, and a NaN equals itself."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    a, b = (t.detach().reshape(-1).contiguous().view(torch.uint8) for t in (a, b))
    return torch.equal(a, b)
