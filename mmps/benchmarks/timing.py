"""Times of jobs that alternate in one process, so that drift of the machine cancels out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch

Key = TypeVar('Key')


@dataclass(frozen=True)
class Quartiles:
    """Quartiles of repeated times.

    Attributes:
        median: Seconds.
        low: First quartile.
        high: Third quartile.
    """

    median: float
    low: float
    high: float

    def scaled(self, factor: float) -> Quartiles:
        """Return the same in another unit."""
        return Quartiles(self.median * factor, self.low * factor, self.high * factor)


def quartiles(seconds: Sequence[float]) -> Quartiles:
    """Compute the quartiles of repeated times."""
    low, median, high = np.percentile(seconds, (25, 50, 75))
    return Quartiles(float(median), float(low), float(high))


def relative(base: Sequence[float], own: Sequence[float]) -> list[float]:
    """Compute in each round how many times faster than a base something was.

    Args:
        base: Seconds of the base in each round.
        own: Seconds of the compared job in the same rounds.
    """
    return [b / o for b, o in zip(base, own, strict=True)]


def rates(seconds: Sequence[float], amount: float = 1.0) -> Quartiles:
    """Convert seconds to an amount per second."""
    return quartiles([amount / s for s in seconds])


def interleaved(
    jobs: Mapping[Key, Callable[[], object]],
    repeats: int,
    warm_up: int = 0,
    on_round: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, list[float]]:
    """Time jobs alternately, round after round.

    Args:
        jobs: Functions to time, by name.
        repeats: Number of measured rounds.
        warm_up: Number of rounds before them.
        on_round: Called after each round, for a progress bar.
        clock: Returns seconds; ``time.process_time`` counts the time that this process computes.

    Returns:
        Seconds of each measured round, by name.
    """
    seconds: dict[Key, list[float]] = {name: [] for name in jobs}
    for round_number in range(warm_up + repeats):
        for name, job in jobs.items():
            synchronise()
            start = clock()
            job()
            synchronise()
            if round_number >= warm_up:
                seconds[name].append(clock() - start)
        on_round()
    return seconds


def synchronise() -> None:
    """Wait until the GPU, if there is one, has finished."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


@dataclass
class PartTimes:
    """Adds up the time spent in named parts of a pass.

    Attributes:
        clock: Returns seconds.
        seconds: Time of each part so far.
    """

    clock: Callable[[], float] = time.perf_counter
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Return a context manager that times the part."""
        synchronise()
        start = self.clock()
        yield
        synchronise()
        self.seconds[part] = self.seconds.get(part, 0.0) + self.clock() - start

    def shares(self) -> dict[str, float]:
        """Return the share of the total that each part took, 0..1."""
        whole = sum(self.seconds.values())
        return {part: seconds / whole for part, seconds in self.seconds.items()}
