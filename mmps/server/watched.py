"""Facts about a gallery that are read again when people came or left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from mmps.gallery import Gallery

T = TypeVar('T')

OLD = 60.0
"""Seconds after which a fact is read again, whether or not the number of people has changed."""

Ask = Callable[[Callable[[Gallery], Any]], Awaitable[Any]]
"""Calls a question with the gallery."""


class Watched(Generic[T]):
    """A fact that takes long to read.

    Args:
        read: Called with the gallery.
        ask: Asks the gallery.
        fresh: Seconds in which nothing is looked at again, however much is added meanwhile.
    """

    def __init__(self, read: Callable[[Gallery], T], ask: Ask, fresh: float) -> None:
        self._read, self._ask, self._fresh = read, ask, fresh
        self.people = 0
        self._value: T | None = None
        self._read_at = self._looked_at = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self) -> T:
        """Return the fact."""
        async with self._lock:
            now = time.monotonic()
            if self._value is not None and now - self._looked_at < self._fresh:
                return self._value
            people = await self._ask(lambda gallery: gallery.count())
            if self._value is None or people != self.people or now - self._read_at > OLD:
                self._value = await self._ask(self._read)
                self._read_at = now
            self.people, self._looked_at = people, now
            return self._value

    def forget(self) -> None:
        """Read it again when next asked."""
        self._value = None
