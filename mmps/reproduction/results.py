"""A table's numbers from the results of its steps: the content of ``results.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmps.apis.experiments import Experiment
from mmps.structures import ConfigError

from .baselines import BASELINES
from .findings import Number, findings, judge
from .plan import Plan, baseline_name, test_name
from .statistics import estimate
from .tables import Row, Table

Values = Mapping[tuple[str, str], Mapping[int, float]]
"""A fraction by row and key, then by seed."""


def gather(plan: Plan, experiment: Experiment, command: str) -> dict[str, Any]:
    """Collect what is done of a table.

    Args:
        plan: Of the table.
        experiment: Of its steps; some may be missing.
        command: For people who want to do the same.

    Returns:
        ``rows`` with our mean, interval and values by seed, and the paper's numbers; ``findings``;
        the context of all that. Our numbers are fractions in 0..1, the paper's are in percent.

    Raises:
        ConfigError: Nothing is done yet.
    """
    table, values = plan.table, read_values(plan, experiment)
    seeds = sorted({seed for by_seed in values.values() for seed in by_seed})
    if not seeds:
        raise ConfigError(f'{experiment.folder} holds no finished test of {table.name} yet')
    missing = [step.name for step in plan.steps() if not experiment.is_done(step.name)]
    return {
        'table': table.name,
        'title': table.title,
        'data': plan.data.name,
        'settings': plan.data.identity,
        'command': command,
        'seeds': seeds,
        'missing': missing,
        **context(plan, experiment),
        'columns': [{'heading': c.heading, 'keys': list(c.keys)} for c in table.columns],
        'rows': [_row(row, table, values) for row in (*table.rows, *_baselines())],
        'findings': judge_all(table, values, seeds),
    }


def read_values(plan: Plan, experiment: Experiment) -> Values:
    """Read the numbers of all finished tests of a table, and of the baselines."""
    values: dict[tuple[str, str], dict[int, float]] = {}
    keys = [key for column in plan.table.columns for key in column.keys]
    for row, on, seed, name, part in _sources(plan):
        if not experiment.is_done(name):
            continue
        result = experiment.record(name)['result']
        metrics = result if part is None else result[part]
        for key in (key for key in keys if key.startswith(f'{on}/')):
            found = metrics.get(_setting(key, plan.data.galleries))
            if found is not None and not (part and '/det/' in key):
                values.setdefault((row, key), {})[seed] = float(found)
    return values


def _sources(plan: Plan) -> Iterator[tuple[str, str, int, str, str | None]]:
    """List row, test set, seed, step and the part of its result that holds the numbers."""
    for seed in plan.seeds:
        for row in plan.table.rows:
            for on, system in row.systems.items():
                yield row.name, on, seed, test_name(system, on, seed), None
        for on in dict.fromkeys(on for _, on in plan.table.tests):
            for part, name in BASELINES.items():
                yield name, on, seed, baseline_name(on, seed), part


def judge_all(table: Table, values: Values, seeds: Sequence[int]) -> list[dict]:
    """Decide all findings of a table."""

    def of_seed(seed: int) -> Number:
        return lambda row, key: values.get((row, key), {}).get(seed)

    def of_paper(row: str, key: str) -> float | None:
        return table.paper.get(row, {}).get(key)

    numbers = {seed: of_seed(seed) for seed in seeds}
    return [judge(finding, numbers, of_paper) for finding in findings(table.name)]


def context(plan: Plan, experiment: Experiment) -> dict[str, Any]:
    """Summarise where and when the steps were done."""
    records = [experiment.record(s.name) for s in plan.steps() if experiment.is_done(s.name)]
    machines = [record['machine'] for record in records]
    return {
        'commits': _unique(record.get('commit') for record in records),
        'dates': _unique(machine['date'] for machine in machines),
        'machines': _unique(machine['machine'] for machine in machines),
        'versions': _unique(machine['versions'] for machine in machines),
        'seconds': round(sum(record['seconds'] for record in records), 1),
    }


def _row(row: Row, table: Table, values: Values) -> dict[str, Any]:
    ours = {}
    for key in [key for column in table.columns for key in column.keys]:
        by_seed = values.get((row.name, key))
        if by_seed:
            found = estimate(list(by_seed.values()))
            ours[key] = {
                'mean': found.mean, 'low': found.low, 'high': found.high,
                'values': {str(seed): value for seed, value in by_seed.items()},
            }  # fmt: skip
    told = dict(table.paper.get(row.name, {}))
    return {'name': row.name, 'control': row.control, 'ours': ours, 'paper': told}


def _baselines() -> list[Row]:
    return [Row(name, {}) for name in BASELINES.values()]


def _setting(key: str, galleries: Mapping[str, str]) -> str:
    """Name a key as the evaluator does: ``c/gt/small/mAP`` to ``gt/g100/mAP``."""
    return '/'.join(galleries.get(part, part) for part in key.split('/')[1:])


def _unique(values: Any) -> list[str]:
    return sorted({str(value) for value in values if value})
