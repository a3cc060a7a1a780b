"""Measurements that each have a process of their own, for the peak of its memory."""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
from typing import Any


def in_own_process(function: str, **arguments: Any) -> Any:
    """Call a function in a new process.

    Args:
        function: ``MODULE:NAME``.
        **arguments: Of the function; what JSON can hold.

    Returns:
        What the function returns, by way of JSON.

    Raises:
        subprocess.CalledProcessError: The process failed; its error was printed.
    """
    script = f'from {__name__} import _serve; _serve()'
    command = [sys.executable, '-c', script, function, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peak_bytes() -> int:
    """Return the most memory that this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _serve() -> None:
    module, name = sys.argv[1].split(':')
    result = getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))
    sys.stdout.write(f'\n{json.dumps(result)}\n')
