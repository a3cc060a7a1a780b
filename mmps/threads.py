"""How long OpenMP's threads wait for their next work before they sleep.

The threads of a parallel region wait for the next one in a busy loop that uses a whole core. If
other programs run, they take the core from the thread that they wait for, and training is slow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

WAITS = {'GOMP_SPINCOUNT': '20000', 'KMP_BLOCKTIME': '1'}
"""Bounds by variable: rounds of GNU's OpenMP (in torch's wheels), and milliseconds of Intel's and
LLVM's, instead of 300,000 and 200. The gap between two layers of a network is shorter."""

POLICY = 'OMP_WAIT_POLICY'


def bound_spinning(environ: MutableMapping[str, str] = os.environ) -> None:
    """Bound how long OpenMP's threads of this process and of its children spin.

    A runtime reads its variables when it is loaded, so call this before torch is imported. If the
    user set a policy or one of the bounds, nothing is changed.

    Args:
        environ: The environment variables to change.
    """
    if POLICY not in environ and not environ.keys() & WAITS:
        environ.update(WAITS)


def usable_threads() -> int:
    """Return how many threads a network may use: torch's number where it is loaded."""
    if 'torch' in sys.modules:
        return sys.modules['torch'].get_num_threads()
    given = os.environ.get('OMP_NUM_THREADS', '')
    cores = getattr(os, 'sched_getaffinity', None)
    return int(given) if given.isdecimal() else len(cores(0)) if cores else os.cpu_count() or 1
