"""A GPU that torch sees and that MMCV's operators were not built for."""

from __future__ import annotations

import os
import warnings

import torch
from mmcv.ops import get_compiling_cuda_version

from mmps.structures import ConfigError


def has_operators() -> bool:
    """Check whether MMCV was built with operators for a GPU."""
    return get_compiling_cuda_version() != 'not available'


def check_gpu() -> None:
    """Refuse to begin on a GPU what would end there in an error of MMCV's, minutes later.

    Raises:
        ConfigError: There is a GPU and no operators for it.
    """
    if torch.cuda.is_available() and not has_operators():
        raise ConfigError(
            'mmcv was built without operators for this GPU: build them with `bash '
            'tools/setup_env.sh --gpu`, or use the CPU with `export CUDA_VISIBLE_DEVICES=`'
        )


def hide_gpu_without_operators() -> None:
    """Leave a GPU alone that MMCV cannot use; to be called before torch looks for one."""
    if not has_operators() and os.environ.get('CUDA_VISIBLE_DEVICES') != '':
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
        if os.path.exists('/dev/nvidiactl'):
            warnings.warn('mmcv has no operators for the GPU: the CPU is used', stacklevel=2)
