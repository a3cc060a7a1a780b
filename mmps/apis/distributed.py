"""Several processes on CPUs, where MMEngine's defaults need GPUs."""

from __future__ import annotations

import atexit
import gc

import torch
from mmengine.config import Config
from mmengine.device import get_device

from mmps.structures import ConfigError


def use_gloo_without_cuda(config: Config) -> None:
    """Start the processes' group with gloo if there is no GPU.

    Args:
        config: Gets a model wrapper that works on CPUs, in place.

    Raises:
        ConfigError: The launcher has no defaults for CPUs in MMEngine.
    """
    if config.launcher in ('slurm', 'mpi') and get_device() in ('cpu', 'mps'):
        raise ConfigError(
            f'--launcher {config.launcher} needs a GPU for each process, and there is none: start '
            'processes on the CPU with tools/dist_train.sh or tools/dist_test.sh'
        )
    if config.launcher != 'pytorch' or torch.cuda.is_available():
        return
    torch.distributed.init_process_group('gloo')
    atexit.register(_leave_process_group)
    wrapper = config.get('model_wrapper_cfg') or {'type': 'MMDistributedDataParallel'}
    config.model_wrapper_cfg = {**wrapper, 'device_ids': None, 'broadcast_buffers': False}


def _leave_process_group() -> None:
    # Wrapped models first: gloo's threads outlive a group that one of them holds, then abort.
    gc.collect()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
