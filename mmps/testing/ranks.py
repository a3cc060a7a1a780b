"""Several processes on one machine, for tests of what ranks do together."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

PROLOGUE = """
import gc
import sys
import torch
from torch import distributed

rank, world_size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
"""

EPILOGUE = """
distributed.init_process_group(
    'gloo', init_method=f'file://{folder}/meet_{world_size}', rank=rank, world_size=world_size
)
work()
# While a wrapped model holds the group, gloo's threads outlive it, and the interpreter's end aborts
# now and then.
gc.collect()
distributed.barrier()
distributed.destroy_process_group()
"""


def run_ranks(script: str, folder: Path, world_size: int, timeout: float = 240) -> None:
    """Run a script in several processes that are ranks of one gloo group.

    Args:
        script: Python source that defines ``work()``; it knows ``rank``, ``world_size`` and
            ``folder``, and leaves its results as files.
        folder: For the script and what it writes.
        world_size: Number of processes.
        timeout: Seconds for each.

    Raises:
        AssertionError: A process failed.
    """
    path = folder / f'worker_{world_size}.py'
    path.write_text(PROLOGUE + textwrap.dedent(script) + EPILOGUE, encoding='utf-8')
    workers = [
        subprocess.Popen(
            [sys.executable, path, str(rank), str(world_size), folder],
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'LOCAL_RANK': str(rank)},
        )
        for rank in range(world_size)
    ]
    codes = [worker.wait(timeout) for worker in workers]
    assert not any(codes), f'exit codes of ranks: {codes}'
