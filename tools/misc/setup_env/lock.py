"""Lets one set-up at a time into an environment or a folder of wheels.

``python lock.py FILE COMMAND ...`` runs a command while it holds the lock on a file.
"""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installer import say


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, and say so where another process has to end first.

    The system takes the lock away when its holder ends, however it ends.

    Args:
        path: The file; is made where it is missing, and stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'waiting for another set-up, which holds {path}')
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:  # some network file systems have no locks
            say(f'{path} cannot be locked ({error.strerror}): start one set-up at a time')
        yield


def main() -> int:
    """Run the command; its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end as any program does, without a traceback
    file, *command = sys.argv[1:]
    with locked(Path(file)):
        return subprocess.call(command)


if __name__ == '__main__':
    sys.exit(main())
