"""Run the experiments of a table of the paper, and write it beside the paper's numbers.

On real data it needs the converted sets under data/ and takes days on a GPU. On synthetic data it
draws four data sets that play MOT17Det (m), WIDER Pedestrian (w), CUHK-SYSU (c) and PRW (p), and
trains the toy models of configs/toy on them. Every step is done once: killed or called again, it
continues. One seed's table is complete before the next seed begins. Table 1b is a measurement of
speed with random weights, without data and seeds.

Writes table.md, table.csv, results.json and figures, with mean and 95 % interval over the seeds,
and whether each finding of the paper shows.

examples:
  python tools/reproduce.py table1d --data synthetic --budget 60
  # what would be run on the real data, and how long it takes on this machine
  python tools/reproduce.py table1d --data real --dry-run
  # see in minutes that everything works; the numbers mean nothing
  python tools/reproduce.py table1c --rehearse
  # two machines, and what joins their folders
  python tools/reproduce.py table1d --seeds 4 --shard 1/2 --work-dir one
  python tools/reproduce.py table1d --seeds 4 --shard 2/2 --work-dir two
  python tools/reproduce.py table1d --seeds 4 --collect one two
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

from rich.console import Console
from rich.table import Table as Grid

from mmps.apis.experiments import Experiment, Step
from mmps.apis.gpu import hide_gpu_without_operators
from mmps.command_line import report_user_errors, teaching_parser
from mmps.reproduction.collecting import STEPS, collect, keep_settings, read_settings
from mmps.reproduction.costs import Costs, measured
from mmps.reproduction.drawn import DrawnData
from mmps.reproduction.plan import Plan
from mmps.reproduction.real import RealData
from mmps.reproduction.results import gather
from mmps.reproduction.sizing import size_for
from mmps.reproduction.speed import speed_experiment, write_speed
from mmps.reproduction.tables import SPEED, TABLES, Table, table
from mmps.reproduction.writing import write_report
from mmps.structures import ConfigError

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
console = Console(stderr=True)


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    add = parser.add_argument
    add('table', choices=sorted([*TABLES, SPEED]), help='table of the paper')
    add('--data', choices=('synthetic', 'real'), default='synthetic', help='what to run on')
    add(
        '--seeds',
        type=positive,
        metavar='N',
        help='number of seeds, counted from 0 (default: 3 on synthetic data, 1 on real data)',
    )
    add(
        '--budget',
        type=float,
        metavar='MINUTES',
        help='time of this call: no step begins that does not fit. The first call also chooses '
        'the size of synthetic data, so that one seed fits (default: no limit)',
    )
    add(
        '--size',
        type=float,
        metavar='X',
        help='factor on the number of synthetic images and people (default: that of earlier calls '
        'or of the budget, otherwise 1)',
    )
    add('--dry-run', action='store_true', help='print the steps and their hours, and end')
    add(
        '--rehearse',
        action='store_true',
        help='one epoch of everything on small images, in a folder of its own: the numbers mean '
        'nothing',
    )
    add('--shard', type=shard, metavar='I/N', help='do the I-th of N parts (default: all)')
    add(
        '--collect',
        nargs='+',
        type=Path,
        metavar='DIR',
        help='run nothing; join the work directories of several machines (default: none)',
    )
    add(
        '--coco',
        type=Path,
        metavar='FILE',
        help='RetinaNet trained on COCO, with which training on real data begins (default: '
        'downloaded)',
    )
    add(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/reproduce'),
        metavar='DIR',
        help='folder for everything that is written; tables share what they have in common',
    )
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} must be at least 1')
    return number


def shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition('/')
    if not (slash and index.isdigit() and count.isdigit()):
        raise argparse.ArgumentTypeError(f'{text} must have the form I/N, such as 1/4')
    return int(index), int(count)


def folder_name(args: argparse.Namespace) -> str:
    """Return the folder of an experiment inside of a work directory."""
    return f'{args.data}-rehearsal' if args.rehearse else args.data


def choose_data(
    args: argparse.Namespace, wanted: Table
) -> tuple[RealData | DrawnData, Costs | None]:
    """Return the data, drawn data in the size of earlier calls or of the budget, and the costs.

    A rehearsal has no costs.
    """
    folder = args.work_dir / folder_name(args)
    variants = list(dict.fromkeys(system.variant for system, _ in wanted.tests))
    if args.data == 'real':
        data = RealData(folder, CONFIGS, rehearsal=args.rehearse, coco=args.coco)
        return data, None if args.rehearse else Costs(data, measure(data, variants))
    kept = read_settings(folder)
    size = args.size or (kept['size'] if kept else 1.0)
    data = DrawnData(folder, CONFIGS, size, args.rehearse)
    if args.rehearse:
        return data, None
    times = measure(data, variants)
    if kept is None and args.size is None and args.budget:
        size = size_for(60 * args.budget, wanted, data, times)
        data = DrawnData(folder, CONFIGS, size)
        console.print(f'The data are drawn in size {size}, so that one seed fits into the budget.')
    return data, Costs(data, times)


def measure(data: RealData | DrawnData, variants: list[str]):
    with console.status('Measuring the time of steps on this machine'):
        return measured(data, variants)


def show_plan(plan: Plan, experiment: Experiment, only: list[str] | None) -> None:
    """Print all steps of the first seed, and the hours of all seeds."""
    others = {str(seed) for seed in plan.seeds[1:]} if only is None else set()
    grid = Grid(title=f'{plan.table.title}, {plan.data.name}')
    grid.add_column(f'step; the same for {len(others)} more seeds' if others else 'step')
    grid.add_column('estimate', overflow='fold')
    grid.add_column('time', justify='right')
    for step in experiment.chosen(only):
        if step.name.rpartition('_')[2] in others:
            continue
        hours = '-' if step.expected is None else span(step.expected)
        done = ' (done)' if experiment.is_done(step.name) else ''
        grid.add_row(step.title + done, step.about.get('estimate', ''), hours)
    out = Console()
    out.print(grid)
    if plan.costs is None:
        return
    total = sum(step.expected or 0 for step in experiment.chosen(only)) / 3600
    left = experiment.remaining(only) / 3600
    out.print(
        f'{total:.2f} hours in all, {left:.2f} of them left. This is an estimate: numbers of steps '
        f'times the time of a step, which was measured on this machine '
        f'({plan.costs.times.machine["machine"]}), without loading images and without other work.'
    )


def run(plan: Plan, experiment: Experiment, only: list[str] | None, budget: float | None) -> None:
    """Do what is not done, with a line for each step."""
    total, begun = len(experiment.chosen(only)), [0]

    def announce(step: Step, done: bool) -> None:
        begun[0] += 1
        if done:
            return
        words = f'  [dim]{forecast(step, experiment, only)}[/]' if plan.costs else ''
        console.print(f'[bold]{begun[0]}/{total} {step.title}[/]{words}')

    experiment.run(only, budget, announce)


def forecast(step: Step, experiment: Experiment, only: list[str] | None) -> str:
    """Say how long a step and all that are left will take."""
    left = experiment.remaining(only)
    end = (datetime.now() + timedelta(seconds=left)).strftime('%a %H:%M')
    needed = span(experiment.pace() * (step.expected or 0))
    return f'about {needed}; all is done in {span(left)}, {end}'


def span(seconds: float) -> str:
    """Write a time for people."""
    if seconds < 90:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 5400 else f'{seconds / 3600:.1f} h'


def reproduce(args: argparse.Namespace, command: str) -> None:
    """Plan, run and report a table of accuracy."""
    start = time.monotonic()
    wanted = table(args.table, controls=args.data == 'synthetic')
    seeds = range(args.seeds or (3 if args.data == 'synthetic' else 1))
    folder = args.work_dir / folder_name(args)
    if args.collect:
        parts = [p if (p / STEPS).is_dir() else p / folder_name(args) for p in args.collect]
        console.print(f'{collect(parts, folder)} results are new in {folder}')
    data, costs = choose_data(args, wanted)
    plan = Plan(wanted, data, seeds, costs)
    experiment = Experiment(folder / STEPS, plan.steps())
    only = experiment.shard(*args.shard) if args.shard else None
    if args.dry_run:
        show_plan(plan, experiment, only)
        return
    keep_settings(folder, data.identity)
    if not args.collect:
        plan.check()
        budget = None if args.budget is None else 60 * args.budget - (time.monotonic() - start)
        run(plan, experiment, only, budget)
    pending = experiment.pending(only)
    if pending:
        left = f', about {span(experiment.remaining(only))}' if costs else ''
        console.print(f'{len(pending)} steps are left{left}: call again to continue.')
    if not any(experiment.is_done(name) for name in plan.test_names()):
        return
    results = gather(plan, experiment, command)
    show(write_report(results, folder / args.table))


def measure_speed(args: argparse.Namespace, command: str) -> None:
    """Measure and report the table of speed."""
    folder = args.work_dir / (f'{SPEED}-rehearsal' if args.rehearse else SPEED)
    experiment = speed_experiment(folder, CONFIGS, args.budget, args.rehearse, command)
    if args.dry_run:
        for step in experiment.steps.values():
            print(step.title + (' (done)' if experiment.is_done(step.name) else ''))
        return
    experiment.run(on_step=lambda step, done: console.print(f'[bold]{step.title}[/]'))
    show(write_speed(experiment, command, folder))


def show(files: dict[str, Path]) -> None:
    """Print a table, and where it lies."""
    print(files['table.md'].read_text(encoding='utf-8'))
    folder = files['table.md'].parent
    console.print(f'{folder}: {", ".join(files)}', soft_wrap=True)


def main() -> None:
    args = parse_args()
    hide_gpu_without_operators()
    warnings.simplefilter('ignore')
    command = shlex.join(['tools/reproduce.py', *sys.argv[1:]])
    for option in ('budget', 'size'):
        value = getattr(args, option)
        if value is not None and value <= 0:
            raise ConfigError(f'--{option} {value:g} must be more than 0')
    if args.table == SPEED:
        measure_speed(args, command)
    else:
        reproduce(args, command)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
