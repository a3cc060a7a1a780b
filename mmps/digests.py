"""Digests: short texts that change when the weights, files or settings behind a feature change."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn


def weights_digest(module: nn.Module) -> str:
    """Hash all parameters and buffers of a module, names included."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def file_digest(path: str | Path) -> str:
    """Hash a file's bytes."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    return digest.hexdigest()


def files_digest(paths: Sequence[str]) -> str:
    """Hash size and modification time (ns) of files; files not on a disk count as absent.

    Args:
        paths: Files in a fixed order; their folders do not matter.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            digest.update(b'absent\n')
        else:
            digest.update(f'{status.st_size} {status.st_mtime_ns}\n'.encode())
    return digest.hexdigest()


def digest(parts: dict[str, Any]) -> str:
    """Hash plain data, whatever the order of its keys."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
