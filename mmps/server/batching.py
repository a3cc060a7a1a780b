"""Requests of several clients, answered together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from typing import Any

from .problems import busy

Run = Callable[[Any, list[Any]], Sequence[Any]]
"""Answers several items of one key, in their order."""


class Batcher:
    """Collects what arrives while the last batch runs, and runs it as the next one.

    So a lone request waits for nobody, and under load batches grow by themselves.

    Args:
        run: Called in a thread of the executor.
        executor: With one thread where ``run`` must not run twice at once.
        largest: Items of a batch.
        waiting: Items that may wait; further ones are sent away.
        name: What is too busy then, in words.
    """

    def __init__(self, run: Run, executor: Executor, largest: int, waiting: int, name: str) -> None:
        self._run, self._executor = run, executor
        self.largest, self.waiting, self.name = largest, waiting, name
        self._queue: deque[tuple[Hashable, Any, asyncio.Future]] = deque()
        self._worker: asyncio.Task | None = None
        self.seen: Callable[[int], object] = lambda size: None

    def __len__(self) -> int:
        return len(self._queue)

    async def __call__(self, item: Any, key: Hashable = None, patient: bool = False) -> Any:
        """Wait for the answer to one item.

        Args:
            item: Handed to ``run``.
            key: Items of equal keys may be answered together.
            patient: Whether it may wait however many others do, as work in the background.

        Raises:
            Refused: Too many wait.
        """
        if len(self._queue) >= self.waiting and not patient:
            raise busy(f'{self.name} are waited for by {len(self._queue)} others')
        future = asyncio.get_running_loop().create_future()
        self._queue.append((key, item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            key = self._queue[0][0]
            batch = self._taken(key)
            items = [item for _, item, _ in batch]
            self.seen(len(batch))
            results = await loop.run_in_executor(self._executor, self._answers, key, items)
            for (_, _, future), result in zip(batch, results, strict=True):
                if future.done():  # the client is gone
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _answers(self, key: Hashable, items: list[Any]) -> Sequence[Any]:
        """Run a batch; where it fails, run its items alone, so that one does not spoil others."""
        try:
            return self._run(key, items)
        except Exception as error:  # handed on to who waits for it
            if len(items) == 1:
                return [error]
        return [self._answers(key, [item])[0] for item in items]

    def _taken(self, key: Hashable) -> list[tuple[Hashable, Any, asyncio.Future]]:
        """Take the items of one key out of the queue, the oldest first."""
        batch, kept = [], deque()
        for entry in self._queue:
            if entry[2].done():
                continue
            fits = entry[0] == key and len(batch) < self.largest
            (batch if fits else kept).append(entry)
        self._queue = kept
        return batch
