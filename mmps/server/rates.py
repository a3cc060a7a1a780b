"""How often one address may ask."""

from __future__ import annotations

import time
from collections import OrderedDict

ADDRESSES = 10_000
"""Addresses that are remembered at one time."""


class RateLimit:
    """A bucket of tokens for each address, which fills at a steady rate.

    Args:
        rate: Tokens a second; 0 for any number.
        burst: Tokens of a full bucket.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str, cost: float = 1.0, now: float | None = None) -> float:
        """Take tokens out of a bucket.

        Args:
            address: Whose bucket.
            cost: Number of tokens.
            now: Seconds of any clock that never goes back.

        Returns:
            0, or the seconds until there are as many; then none are taken.
        """
        if not self.rate:
            return 0.0
        tokens, now = self._filled(address, now)
        missing = max(cost - tokens, 0.0)
        self._buckets[address] = (tokens if missing else tokens - cost, now)
        return missing / self.rate

    def charge(self, address: str, cost: float, now: float | None = None) -> None:
        """Take tokens that are not there yet: the next requests wait for them.

        Args:
            address: Whose bucket.
            cost: Number of tokens.
            now: As for :meth:`wait`.
        """
        tokens, now = self._filled(address, now)
        self._buckets[address] = (max(tokens - cost, -float(self.burst)), now)

    def _filled(self, address: str, now: float | None) -> tuple[float, float]:
        now = time.monotonic() if now is None else now
        tokens, before = self._buckets.pop(address, (float(self.burst), now))
        if len(self._buckets) >= ADDRESSES:
            self._buckets.popitem(last=False)
        return min(self.burst, tokens + (now - before) * self.rate), now
