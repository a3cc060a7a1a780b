"""How long OpenMP's threads wait for their next work before they sleep.

The threads of a parallel region wait for the next one in a loop that takes a whole core. Beside
other programs they take the core from the thread that they wait for, and training crawls.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

WAITS = {'GOMP_SPINCOUNT': '20000', 'KMP_BLOCKTIME': '1'}
"""Bounds, by variable: rounds of GNU's OpenMP (torch's wheels bring it), and milliseconds of
Intel's and LLVM's, in place of 300,000 and 200. Between two layers of a network less passes."""

POLICY = 'OMP_WAIT_POLICY'


def bound_spinning(environ: MutableMapping[str, str] = os.environ) -> None:
    """Bound for how long OpenMP's threads of this process, and of those that it starts, spin.

    A runtime reads its variables when it is loaded: call this before torch is imported. Where the
    user chose a policy or one of the bounds, nothing is changed.

    Args:
        environ: Where the variables are set.
    """
    if POLICY not in environ and not environ.keys() & WAITS:
        environ.update(WAITS)
