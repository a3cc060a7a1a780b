"""Work of a thread beside the model: files are read while it computes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Queue
from typing import TypeVar

T = TypeVar('T')
_END = object()


def prefetched(items: Iterable[T], depth: int) -> Iterator[T]:
    """Iterate in a thread of its own, ahead of whoever consumes.

    Args:
        items: Iterated once; an error in it is raised where the item would have come.
        depth: Items that may wait.
    """
    waiting: Queue = Queue(maxsize=depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in items:
                waiting.put((item, None))
                if stopped.is_set():
                    return
            waiting.put((_END, None))
        except BaseException as error:  # handed to the consumer
            waiting.put((_END, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        while thread.is_alive():  # one that waits for room sees the event then
            while not waiting.empty():
                waiting.get_nowait()
            thread.join(timeout=0.05)
