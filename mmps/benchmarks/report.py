"""The paper's Table 1b: ratios to the disjoint baseline, with the paper's and those of FLOPs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from mmps.paper import TABLE_1B

from .measuring import Cell, marginal_ms
from .tables import table
from .training_report import training_tables

BASELINE = 'Disj.'

Flops = Mapping[str, tuple[float, float]]
"""Operations of an image without people and of each person, by variant."""


def total_rows(cells: Iterable[Cell], flops: Flops) -> list[dict]:
    """List milliseconds per person and how many times faster than the baseline that is.

    Args:
        cells: The measurements.
        flops: Result of :func:`mmps.benchmarks.flops_per_part`.

    Returns:
        One row per cell; ratios are ``None`` if the baseline or the paper's figure is missing.
    """
    cells = list(cells)
    times = {(c.variant, c.batch, c.people): c.per_person for c in cells}
    rows = []
    for (variant, batch, people), ms in times.items():
        baseline = times.get((BASELINE, batch, people))
        rows.append(
            {
                'variant': variant,
                'batch': batch,
                'people': people,
                'ms_per_person': asdict(ms),
                'ratio': baseline.median / ms.median if baseline else None,
                'flops_ratio': _flops_ratio(flops, variant, people),
                'paper_ms': _paper_ms(variant, batch, people),
                'paper_ratio': _paper_ratio(variant, batch, people),
            }
        )
    return rows


def marginal_rows(cells: Iterable[Cell], flops: Flops) -> list[dict]:
    """Fit the time of one more person, from the slope over people per image.

    Args:
        cells: The measurements.
        flops: Result of :func:`mmps.benchmarks.flops_per_part`.

    Returns:
        A row for each variant and batch that was measured with at least two numbers of people;
        there is no ratio for slopes of zero or less, which are noise.
    """
    series: dict[tuple[str, int], dict[int, float]] = {}
    for cell in cells:
        own = series.setdefault((cell.variant, cell.batch), {})
        own[cell.people] = cell.per_person.median * cell.people
    slopes = {key: marginal_ms(points) for key, points in series.items() if len(points) > 1}
    persons = {name: person for name, (_, person) in flops.items()}
    return [
        {
            'variant': variant,
            'batch': batch,
            'ms': slope,
            'ratio': _divide(slopes.get((BASELINE, batch)), slope),
            'flops_ratio': _divide(persons.get(BASELINE), persons.get(variant)),
            'paper_ratio': _divide(_paper_slope(BASELINE, batch), _paper_slope(variant, batch)),
        }
        for (variant, batch), slope in slopes.items()
    ]


def markdown(result: Mapping) -> str:
    """Write the tables of a result.

    Args:
        result: The result that the tool saves as JSON.
    """
    settings = result['settings']
    head = (
        f'`{settings["command"]}`, {settings["date"]}, {settings["machine"]}; '
        f'{settings["versions"]}. Peak memory {result["peak_memory_mib"]:.0f} MiB.'
    )
    parts = [head + '\n']
    if result['cells']:
        parts += [settings['options'] + '\n', *cell_tables(result)]
    if result['overhead']:
        parts.append(overhead_table(result['overhead']))
    parts += training_tables(result['training'])
    return '\n'.join(parts)


def cell_tables(result: Mapping) -> list[str]:
    """Write milliseconds per person, and per further person, with the paper's ratios."""
    totals = [
        (
            row['variant'], row['batch'], row['people'],
            '{median:.1f} ({low:.1f}-{high:.1f})'.format(**row['ms_per_person']),
            _times(row['ratio']), _times(row['flops_ratio']), _times(row['paper_ratio']),
        )
        for row in result['cells']
    ]  # fmt: skip
    slopes = [
        (
            row['variant'], row['batch'], f'{row["ms"]:.1f}', _times(row['ratio']),
            _times(row['flops_ratio']), _times(row['paper_ratio']),
        )
        for row in result['marginal']
    ]  # fmt: skip
    ratios = (f'x faster than {BASELINE}', 'by FLOPs alone', 'in the paper')
    per_person = 'ms per person: median (quartiles)'
    return [
        table(('variant', 'batch', 'people per image', per_person, *ratios), totals),
        table(('variant', 'batch', 'ms per further person', *ratios), slopes),
    ]


def overhead_table(overheads: Mapping[str, Mapping]) -> str:
    """Write the overhead beyond bare modules, the branch's time and the shares of all parts."""
    names = list(next(iter(overheads.values()))['shares'])
    rows = [
        (
            variant,
            f'{100 * found["overhead"]:+.1f} %',
            f'{found["branch_ms_per_person"]:.1f}',
            *(f'{100 * found["shares"][name]:.1f} %' for name in names),
        )
        for variant, found in overheads.items()
    ]
    return table(('variant', 'overhead over bare modules', 're-ID, ms per person', *names), rows)


def _times(ratio: float | None) -> str:
    return '-' if ratio is None else f'{ratio:.2f}'


def _divide(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b is not None and min(a, b) > 0 else None


def _flops_ratio(flops: Flops, variant: str, people: int) -> float | None:
    if BASELINE not in flops:
        return None
    whole, own = (flops[name][0] + people * flops[name][1] for name in (BASELINE, variant))
    return whole / own


def _paper_ms(variant: str, batch: int, people: int) -> float | None:
    return TABLE_1B.get(variant, {}).get(batch, {}).get(people)


def _paper_ratio(variant: str, batch: int, people: int) -> float | None:
    return _divide(_paper_ms(BASELINE, batch, people), _paper_ms(variant, batch, people))


def _paper_slope(variant: str, batch: int) -> float | None:
    points = TABLE_1B.get(variant, {}).get(batch)
    return marginal_ms({k: ms * k for k, ms in points.items()}) if points else None
