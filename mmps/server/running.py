"""A server from its start to a graceful stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

from fastapi import FastAPI

from mmps.structures import ConfigError

FINISH_SECONDS = 30
"""Time for running requests when the server is asked to stop."""


def listen(host: str, port: int) -> socket.socket:
    """Take a port, so that it is known to be free before a model is loaded.

    Args:
        host: Name or address.
        port: 0 for any free one.

    Raises:
        ConfigError: It is taken, or the address is not of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ConfigError(
            f'port {port} of {host} cannot be used ({reason}): choose another one with --port'
        ) from None
    return taken


def serve(
    app: FastAPI, taken: socket.socket, behind_proxy: bool = False,
    ready: Callable[[], object] = lambda: None,
) -> None:  # fmt: skip
    """Answer until the process is asked to stop; then finish what runs.

    Args:
        app: From :func:`mmps.server.app.create_app`.
        taken: From :func:`listen`.
        behind_proxy: Whether a proxy of this machine says where requests come from.
        ready: Called when the first request can come.
    """
    import uvicorn

    class Server(uvicorn.Server):
        """Says when it is ready."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        app,
        log_config=None,  # its own would close the log files of everything else in the process
        log_level='warning',
        access_log=False,  # tokens and names of people belong in no log
        server_header=False,
        proxy_headers=behind_proxy,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=FINISH_SECONDS,
        ws='none',
    )
    Server(config).run(sockets=[taken])
