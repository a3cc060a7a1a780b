"""Several processes on one machine, for tests of what ranks do together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

# One process imports what takes seconds; the ranks are its children.
PROLOGUE = """
import gc
import os
import random
import sys
import traceback
import numpy
import torch
from torch import distributed

world_size, folder = int(sys.argv[1]), sys.argv[2]
"""

EPILOGUE = """
def work_together():
    distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/meet_{world_size}', rank=rank, world_size=world_size
    )
    work()
    # While a wrapped model holds the group, gloo's threads outlive it, and the interpreter's end
    # aborts now and then.
    gc.collect()
    distributed.barrier()
    distributed.destroy_process_group()


children = []
for rank in range(world_size):
    child = os.fork()
    if child:
        children.append(child)
        continue
    os.environ['LOCAL_RANK'] = str(rank)
    random.seed()  # as separate processes draw: what must agree has to be agreed on
    numpy.random.seed()
    try:
        work_together()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
if any(codes):
    sys.exit(f'exit codes of ranks: {codes}')
"""


def run_ranks(script: str, folder: Path, world_size: int, timeout: float = 240) -> None:
    """Run a script in several processes, the ranks of one gloo group.

    Args:
        script: Python source that defines ``work()``; it can use ``rank``, ``world_size`` and
            ``folder``, and writes its results to files.
        folder: Folder for the script and its results.
        world_size: Number of processes.
        timeout: Seconds for all of them.

    Raises:
        AssertionError: A process failed.
    """
    path = folder / f'worker_{world_size}.py'
    path.write_text(PROLOGUE + textwrap.dedent(script) + EPILOGUE, encoding='utf-8')
    parent = subprocess.Popen(
        [sys.executable, path, str(world_size), folder],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        start_new_session=True,
    )
    try:
        code = parent.wait(timeout)
    finally:
        if parent.poll() is None:
            os.killpg(parent.pid, signal.SIGKILL)
    assert not code, 'a rank failed: its traceback is above'
