"""The context of measured numbers: date, machine and versions."""

from __future__ import annotations

import datetime
import platform

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
