#!/usr/bin/env python
"""Train the toy presets of configs/plus over several seeds, beside toy J3 without any of them.

The detector and the data are the quickstart's (tools/quickstart.sh); its features are cached once.
A finished run is kept: an interrupted command continues where it stopped.

examples:
  python tools/analysis_tools/compare_presets.py --out presets.md
  python tools/analysis_tools/compare_presets.py --presets gem bnneck --seeds 0 1 2 3 4
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import numpy as np
from rich.console import Console
from rich.progress import track

from mmps.apis.experiments import (
    Experiment,
    Run,
    Step,
    data_options,
    mean_and_spread,
    output_to,
    reid_options,
)
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_text
from mmps.structures import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'plus'
NAME = 'joint-j3_retinanet_r18_fpn_{}_synthetic.py'
PLAIN = 'plain'
MAIN = 'g100/mAP'
COLUMNS = {MAIN: 'mAP', 'g100/top1': 'top-1', 'gt/g100/mAP': 'mAP, GT boxes'}

Results = dict[str, list[dict[str, float]]]
"""The metrics of every run, by preset, in the order of the seeds."""


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument(
        '--presets', nargs='+', metavar='NAME', help='toy presets of configs/plus (default: all)'
    )
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        default=[0, 1, 2],
        metavar='N',
        help='seeds of the training, at least two',
    )
    quickstart = Path('work_dirs/quickstart/seed_0')
    parser.add_argument(
        '--detector',
        type=Path,
        default=quickstart / 'detector' / 'epoch_12.pth',
        metavar='FILE',
        help='checkpoint of phase 1',
    )
    parser.add_argument(
        '--data',
        type=Path,
        default=quickstart / 'data',
        metavar='DIR',
        help='drawn data set, converted',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/presets'),
        metavar='DIR',
        help='folder for the runs and the cache of features',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='TABLE.md',
        help='also write the table here (default: not written)',
    )
    return parser.parse_args()


def all_presets() -> list[str]:
    """List the toy presets, the combined one last."""
    before, after = NAME.split('{}')
    names = {p.name[len(before) : -len(after)] for p in CONFIGS.glob(NAME.format('*'))}
    return sorted(names - {PLAIN}, key=lambda name: (name == 'combined', name))


def check(args: argparse.Namespace) -> None:
    """Refuse paths and names that are not there.

    Raises:
        ConfigError: A preset is unknown.
    """
    if not args.detector.is_file() or not args.data.is_dir():
        raise ConfigError(
            f'{args.detector} or {args.data} does not exist; run tools/quickstart.sh, or give '
            '--detector and --data'
        )
    unknown = set(args.presets or ()) - set(all_presets())
    if unknown:
        raise ConfigError(
            f'unknown preset {sorted(unknown)[0]!r}; there are {", ".join(all_presets())}'
        )


def step(preset: str, seed: int, args: argparse.Namespace) -> Step:
    """Plan phase 2 and test of a preset, on the detector, the data and the shared cache."""
    options = {
        **data_options(args.data),
        **reid_options(args.detector, args.work_dir / 'feature_cache'),
        'default_hooks.two_phase.storage': 'memory',
        'default_hooks.checkpoint.interval': 1000,
        'default_hooks.checkpoint.save_last': False,
    }
    name = f'{preset}_{seed}'
    run = Run(CONFIGS / NAME.format(preset), args.work_dir / name, options, seed)
    return Step(name, f'{preset}, seed {seed}', lambda: train(run, args.work_dir), (), run.about())


def train(run: Run, folder: Path) -> dict[str, float]:
    """Train and test, what libraries print kept out of the progress bar; return the metrics."""
    with output_to(folder / 'log.txt'):
        metrics = run.train()
    return {key: metrics[key] for key in COLUMNS}


def table(results: Results) -> str:
    """Write Markdown: mean and standard deviation over seeds, gains seed by seed, in points.

    A preset "helps" or "hurts" where its gain in mAP is at least twice the standard error of that
    gain, seed by seed; otherwise the runs are inconclusive.
    """
    gain = 'gain in mAP (standard error)'
    lines = [
        f'| preset | {" | ".join(COLUMNS.values())} | {gain} | verdict |',
        f'|---|{"---:|" * (len(COLUMNS) + 1)}---|',
    ]
    base = np.array([run[MAIN] for run in results[PLAIN]])
    for preset, runs in results.items():
        cells = [mean_and_spread([100 * run[key] for run in runs]) for key in COLUMNS]
        gains = 100 * (np.array([run[MAIN] for run in runs]) - base)
        cells += ['', ''] if preset == PLAIN else describe(gains)
        lines.append(f'| `{preset}` | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def describe(gains: np.ndarray) -> list[str]:
    """Put gains, one per seed, into a number and a word."""
    mean, error = gains.mean(), gains.std(ddof=1) / len(gains) ** 0.5
    word = 'inconclusive' if abs(mean) < 2 * error else 'helps' if mean > 0 else 'hurts'
    return [f'{mean:+.1f} ({error:.1f})', word]


def main() -> None:
    args = parse_args()
    check(args)
    if len(set(args.seeds)) < 2:
        raise ConfigError('a spread needs at least two seeds: give --seeds 0 1 2')
    warnings.simplefilter('ignore')
    presets = [PLAIN, *dict.fromkeys(args.presets or all_presets())]
    jobs = {(preset, seed): step(preset, seed, args) for seed in args.seeds for preset in presets}
    experiment = Experiment(args.work_dir / 'steps', jobs.values())
    results: Results = {preset: [] for preset in presets}
    for (preset, _), job in track(jobs.items(), 'Runs', console=Console(stderr=True)):
        results[preset].append(experiment.run([job.name])[job.name])
    text = table(results)
    print(text, end='')
    if args.out:
        write_text(args.out, text)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
