"""Where numbers are measured: the device, and what a reader must know of it."""

from __future__ import annotations

import datetime
import platform
import resource

import mmcv
import mmdet
import mmengine
import torch

from mmps.structures import ConfigError


def use_device(name: str, threads: int | None) -> None:
    """Make a device the current one.

    Args:
        name: Such as ``cpu``, ``cuda`` or ``cuda:1``.
        threads: On a CPU; PyTorch's choice where left out.

    Raises:
        ConfigError: There is none of this name.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f'--device {name} cannot be used: {reason}') from None
    if device.type == 'cuda':
        torch.cuda.set_device(device.index or 0)
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True


def describe(device: str) -> dict[str, str]:
    """Name what numbers depend on: ``date``, ``machine`` and ``versions``.

    Args:
        device: Where models run.
    """
    packages = (torch, mmcv, mmengine, mmdet)
    cuda = device.startswith('cuda')
    cpu = f'{torch.get_num_threads()} CPU threads ({platform.machine()})'
    return {
        'date': datetime.date.today().isoformat(),
        'machine': torch.cuda.get_device_name() if cuda else cpu,
        'versions': ', '.join(f'{p.__name__} {p.__version__}' for p in packages),
    }


def peak_memory(device: str) -> float:
    """Most memory in use so far: the GPU's, or the process's, in MiB."""
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
