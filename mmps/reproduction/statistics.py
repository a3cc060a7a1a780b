"""Means over seeds, their intervals, and what an interval decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95

SMALLEST = 0.01
"""An effect below one point of mAP is called none."""

SHOWS, DOES_NOT, UNDECIDED = 'shows', 'does not show', 'not decided'


@dataclass(frozen=True)
class Estimate:
    """Mean of one number per seed, with its interval.

    Attributes:
        values: The numbers, in the order of the seeds.
        mean: Their mean.
        low: Lower end of the 95 % interval; nothing if there is only one number.
        high: Upper end.
    """

    values: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None

    @property
    def half(self) -> float | None:
        """Return half the width of the interval."""
        return None if self.high is None else self.high - self.mean


def estimate(values: Sequence[float]) -> Estimate:
    """Compute mean and 95 % interval by Student's t distribution.

    Args:
        values: One number per seed, at least one. One number has no interval.
    """
    numbers = np.asarray(values, dtype=float)
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return Estimate(tuple(numbers.tolist()), mean, None, None)
    error = numbers.std(ddof=1) / len(numbers) ** 0.5
    half = float(error * stats.t.ppf((1 + CONFIDENCE) / 2, len(numbers) - 1))
    return Estimate(tuple(numbers.tolist()), mean, mean - half, mean + half)


def verdict(effect: Estimate, smallest: float = SMALLEST) -> str:
    """Decide whether an effect shows.

    It shows if its whole interval is above zero. It does not show if its whole interval is below
    the smallest effect that would matter. Otherwise, and with a single seed, it is not decided.

    Args:
        effect: Differences, one per seed; positive as the paper says.
        smallest: In the unit of the differences.
    """
    if effect.low is None or effect.high is None:
        return UNDECIDED
    if effect.low > 0:
        return SHOWS
    return DOES_NOT if effect.high < smallest else UNDECIDED
