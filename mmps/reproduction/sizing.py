"""The size of drawn data for which one seed's table fits into a budget."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from mmps.structures import ConfigError

from .costs import Costs, StepTimes
from .drawn import DrawnData
from .plan import Plan
from .tables import Table

SHARE = 0.75
"""Of the budget that one seed's table may take by estimate: a machine is not always idle."""

SMALLEST, LARGEST = 0.4, 4.0


def seconds_of(table: Table, data: DrawnData, times: StepTimes) -> float:
    """Estimate how long one seed's table takes."""
    steps = Plan(table, data, [0], Costs(data, times)).steps()
    return sum(step.expected or 0.0 for step in steps)


def size_for(
    budget: float, table: Table, data: DrawnData, times: StepTimes,
    seconds: Callable[[Table, DrawnData, StepTimes], float] = seconds_of,
) -> float:  # fmt: skip
    """Find the size of data for a budget.

    Args:
        budget: Seconds for one seed's table.
        table: The table.
        data: Of any size.
        times: Of this machine.
        seconds: Estimates the time of a table.

    Returns:
        A factor on the number of images, to one decimal.

    Raises:
        ConfigError: The smallest size takes longer.
    """
    sizes = [round(SMALLEST + step / 10, 1) for step in range(round((LARGEST - SMALLEST) * 10) + 1)]
    fitting = bisect_right(
        sizes, SHARE * budget, key=lambda size: seconds(table, replace(data, size=size), times)
    )
    if not fitting:
        least = seconds(table, replace(data, size=SMALLEST), times) / SHARE / 60
        raise ConfigError(
            f'--budget {budget / 60:g}: {table.name} with the smallest drawn data takes about '
            f'{least:.0f} minutes on this machine; give more, or --rehearse to see that it works'
        )
    return sizes[fitting - 1]
