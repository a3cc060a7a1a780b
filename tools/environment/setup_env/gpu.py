"""Decides whether MMCV gets operators for the GPU: where nvcc can build them for this torch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from installer import SetupError, say

USUAL_CUDA = Path('/usr/local/cuda')


def wants_gpu(torch: dict, insisted: bool) -> bool:
    """Whether to build for the GPU.

    Args:
        torch: What the probe of torch found.
        insisted: Whether anything else is an error.

    Raises:
        SetupError: If GPU operators are insisted on and cannot be built.
    """
    if not torch['devices']:
        if insisted:
            raise SetupError(
                f'GPU operators need a GPU, and torch {torch["version"]} sees none: '
                'install a torch for this GPU and its driver, or leave out --gpu'
            )
        return False
    lacking = what_nvcc_lacks(torch['cuda'])
    if lacking and insisted:
        raise SetupError(
            f'{lacking}: put nvcc of CUDA {torch["cuda"]} on PATH (or set CUDA_HOME), '
            'or build for the CPU with --cpu'
        )
    if lacking:
        say(f'{lacking} (see --gpu)')
    return not lacking


def what_nvcc_lacks(cuda: str | None) -> str:
    """Why nvcc cannot build for this torch, as a sentence; empty where it can.

    Args:
        cuda: The CUDA version of torch.
    """
    nvcc = find_nvcc()
    if nvcc is None:
        return 'there is a GPU but no nvcc'
    done = subprocess.run([nvcc, '--version'], capture_output=True, text=True, check=False)
    release = re.search(r'release (\d+)\.\d+', done.stdout)
    # Torch's extension builder refuses another major version, and nothing else.
    if release and cuda and release.group(1) != cuda.partition('.')[0]:
        return f'there is a GPU, but {nvcc} is of CUDA {release.group(1)} and torch of {cuda}'
    return ''


def find_nvcc() -> str | None:
    """Path of the nvcc that torch's extension builder calls."""
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH')
    if home:
        return shutil.which('nvcc', path=Path(home, 'bin'))
    return shutil.which('nvcc') or shutil.which('nvcc', path=USUAL_CUDA / 'bin')
