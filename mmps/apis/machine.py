"""The context of measured numbers: date, machine, versions and commit."""

from __future__ import annotations

import datetime
import platform
import subprocess
from functools import cache
from pathlib import Path

import mmcv
import mmdet
import mmengine
import torch


def describe_machine(device: str | None = None) -> dict[str, str]:
    """Describe the machine that computes.

    Args:
        device: Where models run, such as ``cpu`` or ``cuda``; a GPU if there is one, by default.

    Returns:
        ``date``, ``machine`` and ``versions``.
    """
    packages = (torch, mmcv, mmengine, mmdet)
    cuda = torch.cuda.is_available() if device is None else device.startswith('cuda')
    cpu = f'{torch.get_num_threads()} CPU threads ({platform.machine()})'
    return {
        'date': datetime.date.today().isoformat(),
        'machine': torch.cuda.get_device_name() if cuda else cpu,
        'versions': ', '.join(f'{p.__name__} {p.__version__}' for p in packages),
    }


@cache
def describe_commit() -> str | None:
    """Return the commit that this copy of mmps was checked out at, when it was first asked for.

    Returns:
        Its first 12 digits, followed by ``+`` if files were changed since; nothing where mmps is
        no part of a git repository of its own.
    """
    root = Path(__file__).resolve().parents[2]
    try:
        if Path(_git(root, 'rev-parse', '--show-toplevel')) != root:
            return None
        changed = _git(root, 'status', '--porcelain', '--untracked-files=no')
        return _git(root, 'rev-parse', '--short=12', 'HEAD') + ('+' if changed else '')
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ['git', '-C', str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
