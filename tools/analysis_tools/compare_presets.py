#!/usr/bin/env python
"""Run the toy presets of configs/plus over several seeds, beside toy J3 without any of them.

The detector and the data are the quickstart's (tools/quickstart.sh); its features are cached once.
A run that is done is kept, so that the command can be stopped and given again.

examples:
  python tools/analysis_tools/compare_presets.py --out presets.md
  python tools/analysis_tools/compare_presets.py --presets gem bnneck --seeds 0 1 2 3 4
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import track

from mmps.apis.configs import load_config
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json, write_text
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
    """Name the toy presets, the combined one last."""
    before, after = NAME.split('{}')
    names = {p.name[len(before) : -len(after)] for p in CONFIGS.glob(NAME.format('*'))}
    return sorted(names - {PLAIN}, key=lambda name: (name == 'combined', name))


def check(args: argparse.Namespace) -> None:
    """Refuse paths and names that are not there.

    Raises:
        ConfigError: One is not.
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


def configure(preset: str, seed: int, args: argparse.Namespace) -> Config:
    """Read a preset's config and point it at the detector, the data and the shared cache."""
    loaders = [f'{part}_dataloader.dataset.data_root' for part in ('train', 'reid', 'val', 'test')]
    options = {
        **dict.fromkeys(loaders, str(args.data)),
        'val_evaluator.ann_file': str(args.data / 'mmps' / 'test.json'),
        'test_evaluator.ann_file': str(args.data / 'mmps' / 'test.json'),
        'load_from': str(args.detector),
        'default_hooks.two_phase.start': 'reid',
        'default_hooks.two_phase.cache_dir': str(args.work_dir / 'feature_cache'),
        'default_hooks.two_phase.storage': 'memory',
        'default_hooks.checkpoint.interval': 1000,
        'default_hooks.checkpoint.save_last': False,
        'randomness.seed': seed,
        'log_level': 'ERROR',
    }
    folder = args.work_dir / f'{preset}_{seed}'
    config = load_config(str(CONFIGS / NAME.format(preset)), str(folder), options)
    # Several runs share this process; each needs names of its own to keep its log apart.
    config.experiment_name = config.visualizer.name = f'{preset}_{time.time_ns()}'
    return config


def run(preset: str, seed: int, args: argparse.Namespace) -> dict[str, float]:
    """Train phase 2 and test, or read what that gave before."""
    path = args.work_dir / f'{preset}_{seed}.json'
    if path.exists():
        return json.loads(path.read_text(encoding='utf-8'))
    start = time.perf_counter()
    runner = Runner.from_cfg(configure(preset, seed, args))
    runner.train()
    scalars = runner.message_hub.log_scalars
    metrics = {key: float(scalars[f'val/{key}'].current()) for key in COLUMNS}
    metrics['seconds'] = round(time.perf_counter() - start, 1)
    write_json(path, metrics)
    return metrics


def table(results: Results) -> str:
    """Write Markdown: mean and standard deviation over seeds, gains seed by seed, in points.

    A preset "helps" or "hurts" where its gain in mAP is at least twice the standard error of that
    gain, seed by seed; otherwise the runs do not tell.
    """
    gain = 'gain in mAP (standard error)'
    lines = [
        f'| preset | {" | ".join(COLUMNS.values())} | {gain} | says |',
        f'|---|{"---:|" * (len(COLUMNS) + 1)}---|',
    ]
    base = np.array([run[MAIN] for run in results[PLAIN]])
    for preset, runs in results.items():
        cells = []
        for key in COLUMNS:
            values = 100 * np.array([run[key] for run in runs])
            cells.append(f'{values.mean():.1f} ± {values.std(ddof=1):.1f}')
        gains = 100 * (np.array([run[MAIN] for run in runs]) - base)
        cells += ['', ''] if preset == PLAIN else describe(gains)
        lines.append(f'| `{preset}` | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def describe(gains: np.ndarray) -> list[str]:
    """Put gains, one per seed, into a number and a word."""
    mean, error = gains.mean(), gains.std(ddof=1) / len(gains) ** 0.5
    word = 'does not tell' if abs(mean) < 2 * error else 'helps' if mean > 0 else 'hurts'
    return [f'{mean:+.1f} ({error:.1f})', word]


def main() -> None:
    args = parse_args()
    check(args)
    if len(args.seeds) < 2:
        raise ConfigError('a spread needs at least two seeds: give --seeds 0 1 2')
    warnings.simplefilter('ignore')
    presets = [PLAIN, *(args.presets or all_presets())]
    jobs = [(preset, seed) for seed in args.seeds for preset in presets]
    args.work_dir.mkdir(parents=True, exist_ok=True)
    results: Results = {preset: [] for preset in presets}
    log_path = args.work_dir / 'log.txt'
    for preset, seed in track(jobs, 'Runs', console=Console(stderr=True)):
        # What libraries print would tear the progress bar.
        with open(log_path, 'a', encoding='utf-8') as log, redirect_stdout(log):
            results[preset].append(run(preset, seed, args))
    text = table(results)
    print(text, end='')
    if args.out:
        write_text(args.out, text)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
