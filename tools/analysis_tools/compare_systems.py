#!/usr/bin/env python
"""Train and test J2, J3, J4, Disj. and the systems of configs/compared at toy size, over seeds.

The data are the quickstart's (tools/quickstart.sh). Each of the two detectors, RetinaNet for the
paper's variants and Faster R-CNN for the compared systems, is trained once and shared by all runs.
Every finished step is kept: an interrupted command continues where it stopped.

examples:
  python tools/analysis_tools/compare_systems.py --out systems.md
  python tools/analysis_tools/compare_systems.py --systems J3 jdi-oim --seeds 0 1 2 3 4
  # two machines that share the folder: each does every second run
  python tools/analysis_tools/compare_systems.py --shard 1/2
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from rich.console import Console

from mmps.apis.experiments import (
    Experiment,
    Run,
    Step,
    data_options,
    mean_and_spread,
    output_to,
    reid_options,
)
from mmps.benchmarks.searching import ms_per_image
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_text
from mmps.paper import TABLE_1A
from mmps.structures import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
DETECTORS = {
    'retinanet': 'retinanet_r18_fpn_synthetic',
    'faster-rcnn': 'faster-rcnn_r18_fpn_synthetic',
}
VARIANTS = {
    **{f'J{j}': f'joint-j{j}_retinanet_r18_fpn_synthetic' for j in (2, 3, 4)},
    'Disj.': 'disjoint_retinanet_r18_fpn_synthetic',
}
COMPARED = '_faster-rcnn_r18_fpn_synthetic'
PAPER = {
    'xiao2016-style': 'Xiao2016',
    'jdi-oim': 'JDI+OIM',
    'jdi-iel-style': 'JDI+IEL',
    'ian-style': 'IAN',
    'chen2018-style': 'Chen2018',
    'i-net-style': 'I-Net',
    'liu2018-style': 'Liu2018',
}
"""Rows of Table 1a that are called otherwise."""
COLUMNS = {
    'g100/mAP': 'mAP',
    'g100/top1': 'top-1',
    'gt/g100/mAP': 'mAP, GT boxes',
    'gt/g100/top1': 'top-1, GT boxes',
}
UNTRAINED = 'gt/g100/mAP'
PEOPLE = (5, 20)


@dataclass(frozen=True)
class System:
    """A row of the table.

    Attributes:
        name: In the table.
        config: Its toy.
        detector: A key of ``DETECTORS``.
        two_phases: Whether re-ID is trained alone, on cached features.
    """

    name: str
    config: Path
    detector: str
    two_phases: bool


def systems() -> dict[str, System]:
    """List all, the paper's first."""
    found = {
        name: System(name, CONFIGS / 'toy' / f'{config}.py', 'retinanet', two_phases=True)
        for name, config in VARIANTS.items()
    }
    for path in sorted((CONFIGS / 'compared').glob(f'*{COMPARED}.py')):
        name = path.stem.removesuffix(COMPARED)
        found[name] = System(name, path, 'faster-rcnn', two_phases=False)
    return found


class Comparison:
    """The steps: two detectors, and for each system and seed a training with its test.

    Args:
        args: The command line.
        chosen: The systems that are compared.
    """

    def __init__(self, args: argparse.Namespace, chosen: Mapping[str, System]) -> None:
        self.args, self.chosen, self.folder = args, chosen, args.work_dir
        self.experiment = Experiment(self.folder / 'steps', self.steps())

    def steps(self) -> list[Step]:
        """List all steps in order; runs of one seed come before those of the next."""
        needed = {system.detector for system in self.chosen.values()}
        steps = []
        for name in DETECTORS:
            if name in needed:
                run = self.detector(name)
                title = f'Train the detector {name}'
                steps.append(Step(name, title, lambda r=run: self.train(r), (), run.about()))
        for system in self.chosen.values():
            steps.append(
                Step(
                    f'untrained_{system.name}',
                    f'Test {system.name} before re-ID is trained',
                    lambda s=system: self.untrained(s),
                    [system.detector],
                )
            )
        for seed in self.args.seeds:
            for system in self.chosen.values():
                run, name = self.run_of(system, seed), f'{system.name}_{seed}'
                title = f'Train and test {system.name}, seed {seed}'
                needs = [system.detector, f'untrained_{system.name}']
                steps.append(Step(name, title, lambda r=run: self.train(r), needs, run.about()))
        return steps

    def detector(self, name: str) -> Run:
        """Return the training of a detector."""
        config = CONFIGS / 'toy' / f'{DETECTORS[name]}.py'
        return Run(config, self.folder / name, data_options(self.args.data), 0)

    def run_of(self, system: System, seed: int) -> Run:
        """Return the training of a system on its detector."""
        checkpoint = self.detector(system.detector).checkpoint
        start = {'load_from': str(checkpoint)}
        if system.two_phases:
            start = reid_options(checkpoint, self.folder / 'feature_cache')
        options: dict[str, Any] = {
            **data_options(self.args.data),
            **start,
            'default_hooks.checkpoint.interval': 4,
            'default_hooks.checkpoint.max_keep_ckpts': 2,
        }
        return Run(system.config, self.folder / f'{system.name}_{seed}', options, seed)

    def train(self, run: Run) -> dict[str, float]:
        """Train and test, what libraries print kept out of the terminal."""
        with output_to(self.folder / 'log.txt'):
            return run.train()

    def untrained(self, system: System) -> dict[str, float]:
        """Test a system with its detector and a fresh branch."""
        run = self.run_of(system, self.args.seeds[0])
        with output_to(self.folder / 'log.txt'):
            checkpoint = self.detector(system.detector).checkpoint
            return run.evaluate(checkpoint, None, fresh_branch=True)

    def table(self) -> str:
        """Write Markdown: mean and standard deviation over seeds; costs; the paper's numbers."""
        models = {name: self.run_of(s, 0).load().model for name, s in self.chosen.items()}
        costs = ms_per_image(models, PEOPLE, self.args.rounds)
        times = [f'ms, {people} people' for people in PEOPLE]
        head = [
            'system', *COLUMNS.values(), 'untrained, mAP, GT boxes', 'training and test, s', *times,
            'parameters, million', 'Table 1a: mAP / top-1',
        ]  # fmt: skip
        lines = [f'| {" | ".join(head)} |', f'|---|{"---:|" * (len(head) - 1)}']
        seconds = self.experiment.seconds()
        for name in self.chosen:
            results = [self.experiment.record(f'{name}_{s}')['result'] for s in self.args.seeds]
            fresh = self.experiment.record(f'untrained_{name}')['result'][UNTRAINED]
            cells = [mean_and_spread([100 * r[key] for r in results]) for key in COLUMNS]
            cells += [f'{100 * fresh:.1f}']
            cells += [mean_and_spread([seconds[f'{name}_{s}'] for s in self.args.seeds], 0)]
            cells += [f'{costs[name].milliseconds[people]:.1f}' for people in PEOPLE]
            cells += [f'{costs[name].parameters / 1e6:.2f}']
            paper = TABLE_1A.get(PAPER.get(name, name), {})
            cells += [f'{paper["c/small/mAP"]} / {paper["c/small/top1"]}' if paper else '']
            lines.append(f'| {name} | {" | ".join(cells)} |')
        return '\n'.join(lines) + '\n'


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--systems', nargs='+', metavar='NAME', help='rows (default: all)')
    parser.add_argument(
        '--seeds', nargs='+', type=int, default=[0, 1, 2], metavar='N', help='at least two'
    )
    parser.add_argument(
        '--data',
        type=Path,
        default=Path('work_dirs/quickstart/seed_0/data'),
        metavar='DIR',
        help='drawn data set, converted',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/systems'),
        metavar='DIR',
        help='folder for the runs',
    )
    parser.add_argument(
        '--shard', metavar='I/N', help='do every N-th run, beginning with the I-th (default: all)'
    )
    parser.add_argument('--rounds', type=int, default=15, help='measured rounds of the speed')
    parser.add_argument(
        '--out',
        type=Path,
        metavar='TABLE.md',
        help='also write the table here (default: not written)',
    )
    return parser.parse_args()


def check(args: argparse.Namespace) -> dict[str, System]:
    """Choose the systems.

    Raises:
        ConfigError: One is unknown, or there are no data, or too few seeds.
    """
    known = systems()
    unknown = sorted(set(args.systems or ()) - set(known))
    if unknown:
        raise ConfigError(f'unknown system {unknown[0]!r}; there are {", ".join(known)}')
    if not args.data.is_dir():
        raise ConfigError(f'{args.data} does not exist: run tools/quickstart.sh, or give --data')
    if len(set(args.seeds)) < 2:
        raise ConfigError('a spread needs at least two seeds: give --seeds 0 1 2')
    return {name: known[name] for name in args.systems or known}


def main() -> None:
    args = parse_args()
    comparison = Comparison(args, check(args))
    warnings.simplefilter('ignore')
    console, experiment = Console(stderr=True), comparison.experiment
    only = None
    if args.shard:
        index, count = (int(number) for number in args.shard.split('/'))
        only = experiment.shard(index, count)

    def show(step: Step, done: bool) -> None:
        console.print(f'{step.title}{" [dim](done before)[/]" if done else ""}')

    experiment.run(only, on_step=show)
    if missing := experiment.pending():
        console.print(f'{len(missing)} steps of other shards are not done: no table yet')
        return
    text = comparison.table()
    print(text, end='')
    if args.out:
        write_text(args.out, text)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
