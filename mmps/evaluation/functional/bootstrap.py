"""How far a mean over queries would move if the queries were others."""

from __future__ import annotations

import numpy as np

from mmps.structures import ConfigError


def bootstrap_interval(
    values: np.ndarray, draws: int = 1000, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """Draw the queries anew with replacement and take percentiles of the means.

    Args:
        values: ``(Q,)`` one number per query, Q at least 1.
        draws: number of draws.
        seed: of the generator.
        confidence: part of the means that the interval holds, in 0..1.

    Returns:
        Lower and upper end.

    Raises:
        ConfigError: if the number of draws is not positive.
    """
    if draws < 1:
        raise ConfigError(f'the number of bootstrap draws must be positive, not {draws}.')
    generator = np.random.default_rng(seed)
    uniform = np.full(len(values), 1 / len(values))
    means = np.array(
        [generator.multinomial(len(values), uniform) @ values / len(values) for _ in range(draws)]
    )
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
