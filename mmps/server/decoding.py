"""Decoding uploads in another process, which is killed where an image takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from mmps.structures import DataError

from .problems import busy

COMMAND = (sys.executable, str(Path(__file__).with_name('decoder.py')))
START_SECONDS = 60.0


class Decoder:
    """Decodes one image after the other.

    Args:
        seconds: After which the process is killed; the next image gets a new one.
        max_pixels: Of an image.
        waiting: Images that may wait; further ones are sent away.
    """

    def __init__(self, seconds: float, max_pixels: int, waiting: int = 16) -> None:
        self.seconds, self.max_pixels, self.waiting = seconds, max_pixels, waiting
        self.kills = 0
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._queue = 0

    async def start(self) -> None:
        """Start the process, so that the first image need not wait for it."""
        async with self._lock:
            await self._running()

    async def __call__(self, data: bytes, name: str) -> np.ndarray:
        """Decode an image.

        Args:
            data: Its bytes.
            name: For messages.

        Returns:
            ``(H, W, 3)`` uint8 BGR, after EXIF rotation.

        Raises:
            DataError: It is no image, too large, or takes too long.
            Refused: Too many wait.
        """
        if self._queue >= self.waiting:
            raise busy(f'{self._queue} images wait to be decoded')
        self._queue += 1
        try:
            async with self._lock:
                return await self._decode(data, name)
        finally:
            self._queue -= 1

    async def _decode(self, data: bytes, name: str) -> np.ndarray:
        process = await self._running()
        try:
            return await asyncio.wait_for(self._exchange(process, data, name), self.seconds)
        except DataError:
            raise
        except asyncio.TimeoutError:
            await self._kill()
            raise DataError(
                f'{name} took longer than {self.seconds:g} s to decode: save it smaller'
            ) from None
        except (asyncio.IncompleteReadError, OSError, ValueError):
            await self._kill()
            raise DataError(f'{name} cannot be decoded: save it as JPEG') from None
        except asyncio.CancelledError:  # the client is gone in the middle of an exchange
            await self._kill()
            raise

    async def _exchange(
        self, process: asyncio.subprocess.Process, data: bytes, name: str
    ) -> np.ndarray:
        asked = {'size': len(data), 'name': name, 'max_pixels': self.max_pixels}
        process.stdin.write(json.dumps(asked).encode() + b'\n' + data)
        await process.stdin.drain()
        answer = json.loads(await process.stdout.readuntil())
        if 'problem' in answer:
            raise DataError(str(answer['problem']))
        height, width = int(answer['height']), int(answer['width'])
        if not 0 < height * width <= self.max_pixels:
            raise ValueError('a size that was not asked for')
        pixels = await process.stdout.readexactly(height * width * 3)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).copy()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, 'OMP_NUM_THREADS': '1'},
                start_new_session=True,  # Ctrl+C stops the server, which then stops this
            )
            await asyncio.wait_for(self._process.stdout.readuntil(), START_SECONDS)
        return self._process

    async def _kill(self) -> None:
        self.kills += 1
        await self.stop()

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
