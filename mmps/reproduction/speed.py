"""Table 1b: milliseconds to detect and embed a person, measured batch by batch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress

from mmps.apis.experiments import Experiment, Step
from mmps.benchmarks.inputs import Work
from mmps.benchmarks.measuring import Settings
from mmps.benchmarks.options import Options
from mmps.benchmarks.suite import Suite
from mmps.benchmarks.tables import as_json, table
from mmps.files import write_json, write_text
from mmps.paper import TABLE_1B
from mmps.visualization import save_figure
from mmps.visualization.speed import draw_speed

from .collecting import STEPS
from .statistics import DOES_NOT, SHOWS, UNDECIDED
from .tables import BASELINE, VARIANTS

BATCHES, PEOPLE = (1, 4, 8), (5, 20)
ROUNDS = (3, 40)
"""Fewest rounds of a measurement, and most."""

PASSES = 1.5 * len(PEOPLE) * (1 + len(VARIANTS))
"""Passes of all variants in a round, in passes of the detector alone."""

SHARE = 0.7
"""Of the budget that rounds may take by estimate."""


def speed_experiment(
    folder: Path, configs: Path, budget: float | None, rehearsal: bool, command: str
) -> Experiment:
    """Plan the measurement of table 1b, one step for each batch size.

    Args:
        folder: For the results.
        configs: Folder of the configs.
        budget: Minutes; chooses the number of rounds.
        rehearsal: Whether small images are measured once, which means nothing.
        command: For people who want to do the same.
    """
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    size, batches = (160, BATCHES[:1]) if rehearsal else (640, BATCHES)

    def measure(batch: int, repeats: int) -> dict[str, Any]:
        settings = Settings(device, size, repeats, 3 if device == 'cuda' else 0)
        suite = Suite(
            variant_configs(configs), settings, Options(True, {}), Work(), [batch], PEOPLE,
            overhead=False,
        )  # fmt: skip
        suite.check()
        with Progress(console=Console(stderr=True)) as progress:
            return as_json(suite.run(command, progress))

    @cache
    def rounds() -> int:
        return 1 if rehearsal else rounds_for(budget, _seconds_per_image(measure))

    steps = [
        Step(f'batch_{batch}', f'Measure batches of {batch}', lambda b=batch: measure(b, rounds()))
        for batch in batches
    ]
    return Experiment(folder / STEPS, steps)


def write_speed(experiment: Experiment, command: str, folder: Path) -> dict[str, Path]:
    """Write what was measured as JSON, Markdown and a figure.

    Args:
        experiment: All of whose steps are done.
        command: For people who want to do the same.
        folder: For the files.

    Returns:
        The files by name.
    """
    records = [experiment.record(name) for name in experiment.steps]
    results = summary([r['result'] for r in records], command, records[0].get('commit'))
    files = {name: folder / name for name in ('table.md', 'results.json', 'table.png')}
    write_json(files['results.json'], results)
    write_text(files['table.md'], markdown(results))
    save_figure(draw_speed(results['cells']), files['table.png'])
    return files


def variant_configs(configs: Path) -> dict[str, Path]:
    """Return the paper's configs by variant, the baseline first as in the paper."""
    joint = {v: configs / 'joint' / f'joint-{v.lower()}_retinanet_r50_fpn_c.py' for v in VARIANTS}
    return {BASELINE: configs / 'disjoint' / 'disjoint_retinanet_r50_fpn_c.py', **joint}


def rounds_for(minutes: float | None, seconds: float) -> int:
    """Choose the number of rounds that fit into a budget.

    Args:
        minutes: The budget; the fewest useful rounds if not given.
        seconds: Of a pass of one image.
    """
    least, most = ROUNDS
    if minutes is None:
        return least
    fitting = int(SHARE * 60 * minutes / (PASSES * sum(BATCHES) * seconds))
    return min(max(fitting, least), most)


def summary(found: Sequence[Mapping[str, Any]], command: str, commit: str | None) -> dict:
    """Join the measurements of all batches."""
    cells = [cell for part in found for cell in part['cells']]
    settings = found[0]['settings']
    kept = {key: settings[key] for key in ('date', 'machine', 'versions', 'size', 'options')}
    return {
        'table': 'table1b',
        'title': 'Table 1b: milliseconds per person',
        'command': command,
        'commit': commit,
        **kept,
        'repeats': sorted({part['settings']['repeats'] for part in found}),
        'cells': cells,
        'findings': findings(cells),
    }


def findings(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Decide what the paper concludes from its times.

    Returns:
        Claims with a verdict and the ratios that it is drawn from. A ratio shows if even the
        quartiles of both times do not overlap.
    """
    times = {(c['variant'], c['batch'], c['people']): c['ms_per_person'] for c in cells}
    places = sorted({(c['batch'], c['people']) for c in cells})
    pairs = {
        'J2 to J4 are faster than the disjoint baseline.': [(BASELINE, v) for v in VARIANTS],
        'The more stages are shared, the faster.': [('J2', 'J3'), ('J3', 'J4')],
    }
    return [
        _judge(claim, [(slow, fast, *place) for slow, fast in pair for place in places], times)
        for claim, pair in pairs.items()
    ]


def _judge(claim: str, ratios: Sequence[tuple], times: Mapping[tuple, Mapping]) -> dict[str, Any]:
    effects = []
    for slow, fast, batch, people in ratios:
        one, other = times[slow, batch, people], times[fast, batch, people]
        told = TABLE_1B[slow][batch][people] / TABLE_1B[fast][batch][people]
        effects.append(
            {
                'words': f'{slow} / {fast}, batches of {batch}, {people} people',
                'ratio': one['median'] / other['median'],
                'low': one['low'] / other['high'],
                'high': one['high'] / other['low'],
                'paper': told,
            }
        )
    verdict = UNDECIDED
    if all(effect['low'] > 1 for effect in effects):
        verdict = SHOWS
    elif any(effect['high'] < 1 for effect in effects):
        verdict = DOES_NOT
    return {'claim': claim, 'verdict': verdict, 'effects': effects}


def markdown(results: Mapping[str, Any]) -> str:
    """Write the table in the paper's form, and the findings.

    Args:
        results: From :func:`summary`.
    """
    cells = {(c['variant'], c['batch'], c['people']): c for c in results['cells']}
    head = ['', 'batch']
    for people in PEOPLE:
        head += [f'{people} people per image, ours', 'paper']
    rows = []
    for variant, batch in dict.fromkeys((v, b) for v, b, _ in cells):
        row = [variant, batch]
        for people in PEOPLE:
            cell = cells[variant, batch, people]
            ms = cell['ms_per_person']
            row += [f'{ms["median"]:.1f} ({ms["low"]:.1f}-{ms["high"]:.1f})', cell['paper_ms']]
        rows.append(row)
    lines = []
    for finding in results['findings']:
        ratios = [effect['ratio'] for effect in finding['effects']]
        told = [effect['paper'] for effect in finding['effects']]
        lines.append(
            f'- **{finding["verdict"].capitalize()}**: {finding["claim"]} Ratios {min(ratios):.2f} '
            f'to {max(ratios):.2f}, median {statistics.median(ratios):.2f} (paper: {min(told):.2f} '
            f'to {max(told):.2f}).'
        )
    note = (
        'Milliseconds to detect a person and extract the embedding: median (quartiles). "Paper": '
        'Loesch et al., on a Titan X. A finding shows if the quartiles of no two compared times '
        f'overlap. {results["options"]}\n'
    )
    origin = (
        f'`{results["command"]}`; commit {results["commit"] or "unknown"}; {results["date"]}; '
        f'{results["machine"]}; {results["versions"]}; {results["size"]}x{results["size"]} pixels, '
        f'random weights.\n'
    )
    title = f'# {results["title"]}\n'
    return '\n'.join(
        [title, table(head, rows, numbers=True), note, '\n'.join(lines) + '\n', origin]
    )


def _seconds_per_image(measure: Callable[[int, int], object]) -> float:
    """Time a round of single images; return the seconds of one pass of the detector."""
    start = time.perf_counter()
    measure(1, 1)
    return (time.perf_counter() - start) / (2 * PASSES)  # it counts people in a round before
