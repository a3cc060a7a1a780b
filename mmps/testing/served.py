"""A server on a socket, in a thread of a test."""

from __future__ import annotations

import threading
from typing import Any


class Served:
    """Answers on the loopback until it is stopped.

    Args:
        app: From :func:`mmps.server.app.create_app`.
        token: That the app knows.
        port: 0 for any free one.

    Attributes:
        address: Of the page.
        client: Knows the token.
    """

    def __init__(self, app: Any, token: str, port: int = 0) -> None:
        import httpx
        import uvicorn

        from mmps.server.running import listen

        self.token, self.app = token, app
        self._socket = listen('127.0.0.1', port)
        self.port = self._socket.getsockname()[1]
        self.address = f'http://127.0.0.1:{self.port}'
        # Its own logging config would close the log files of everything else in the process.
        config = uvicorn.Config(
            app, log_config=None, log_level='error', ws='none', timeout_graceful_shutdown=5
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()
        headers = {'Authorization': f'Bearer {token}'}
        self.client = httpx.Client(base_url=self.address, headers=headers, timeout=20)
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError('the server did not start')
            threading.Event().wait(0.02)

    def get(self, path: str) -> Any:
        """Ask for a path, with the token."""
        return self.client.get(path)

    def stop(self) -> None:
        """Finish what runs, and end."""
        self.client.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
