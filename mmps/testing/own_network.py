"""Runs a Milvus server in the network of this process, which has nothing but a loopback device.

``unshare -n python -m mmps.testing.own_network FOLDER`` prints the number of the server's process
when it answers, and leads connections on ``FOLDER/relay.sock`` to it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .servers import MilvusServer, joined

SET_FLAGS, UP = 0x8914, 0x1
"""``SIOCSIFFLAGS`` and ``IFF_UP`` of Linux."""


def start_loopback() -> None:
    """Switch the loopback device of this network on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack('16sh14x', b'lo', UP))


async def lead(path: Path, port: int) -> None:
    """Lead connections on a Unix socket to a port."""

    async def connect(reader: Any, writer: Any) -> None:
        with suppress(OSError):
            await joined(reader, writer, await asyncio.open_connection('127.0.0.1', port))

    server = await asyncio.start_unix_server(connect, path)
    await server.serve_forever()


def main() -> None:
    """Run until the process is stopped."""
    import milvus

    folder = Path(sys.argv[1])
    start_loopback()
    config = milvus.MilvusServerConfig(data_dir=str(folder))
    # Consistent reads wait for the next tick, by default 200 ms.
    config.set('proxy.timeTickInterval', 20)
    server = milvus.MilvusServer(config)
    server.start()
    process = server.server_proc
    server.server_proc = None  # its own end waits too short a time

    def stop(*_: object) -> None:
        process.kill()
        process.wait()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    sys.stdout.write(f'{process.pid}\n')
    sys.stdout.flush()
    asyncio.run(lead(folder / 'relay.sock', MilvusServer.PORT))


if __name__ == '__main__':
    main()
