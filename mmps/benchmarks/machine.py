"""The device on which numbers are measured."""

from __future__ import annotations

import torch

from mmps.structures import ConfigError

from .own_process import peak_bytes


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


def peak_memory(device: str) -> float:
    """Return the peak memory so far, of the GPU or of the process, in MiB."""
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated() / 2**20
    return peak_bytes() / 2**20
