"""Measure speed: the time to detect and embed a person (the paper's Table 1b), and training.

Variants take turns within one process, at the size of the configs, with random weights. Inference
is J2, J3, J4 and the baseline Disj., with a known number of people in each image. Training
(--training) is phase 1 beside plain mmdet, writing the feature cache beside the bare forward pass,
phase 2 from cached features, and an evaluation.

examples:
  python tools/analysis_tools/benchmark.py
  python tools/analysis_tools/benchmark.py --batches 1 4 8 --people 5 20 50 100
  python tools/analysis_tools/benchmark.py --training --no-inference
  python tools/analysis_tools/benchmark.py --variants J3=my.py Disj.=baseline.py --metrics J3=0.79
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import torch
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress

from mmps.benchmarks import Options, Settings, Work
from mmps.benchmarks.report import markdown
from mmps.benchmarks.suite import Suite
from mmps.benchmarks.tables import as_json
from mmps.command_line import teaching_parser
from mmps.files import write_json, write_text
from mmps.structures import ConfigError, UserError
from mmps.visualization import save_figure
from mmps.visualization.speed import draw_speed

CONFIGS = Path(__file__).parents[2] / 'configs'
VARIANTS = {
    **{f'J{j}': CONFIGS / f'joint/joint-j{j}_retinanet_r50_fpn_c.py' for j in (2, 3, 4)},
    'Disj.': CONFIGS / 'disjoint/disjoint_retinanet_r50_fpn_c.py',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    args = parse_args(arguments)
    MMLogger.get_current_instance().setLevel('WARNING')
    try:
        accuracy = {name: float(value) for name, value in pairs(args.metrics).items()}
        result = as_json(measure(args))
        text = markdown(result)
        print(text)
        print(f'{args.out_dir}: {", ".join(write(result, text, accuracy, args.out_dir))}')
    except (UserError, ValueError, OSError) as error:
        print(f'benchmark: {error}', file=sys.stderr)
        return 2
    return 0


def write(result: dict, text: str, accuracy: dict[str, float], folder: Path) -> list[str]:
    """Write the result's files; return their names."""
    write_json(folder / 'benchmark.json', result)
    write_text(folder / 'benchmark.md', text)
    if not result['cells']:
        return ['benchmark.json', 'benchmark.md']
    save_figure(draw_speed(result['cells'], accuracy), folder / 'benchmark.png')
    return ['benchmark.json', 'benchmark.md', 'benchmark.png']


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = teaching_parser(__doc__)
    add_amounts(parser)
    add_options(parser)
    return parser.parse_args(arguments)


def add_amounts(parser: argparse.ArgumentParser) -> None:
    """Define what is measured, and how often."""
    cuda = torch.cuda.is_available()
    add = parser.add_argument
    add('--variants', nargs='+', default=[], metavar='NAME=CONFIG',
        help="configs to measure; default: the paper's J2, J3, J4 and Disj.")  # fmt: skip
    add('--batches', nargs='+', type=positive, default=[1, 4, 8] if cuda else [1], metavar='B',
        help='images per pass of inference')  # fmt: skip
    add('--people', nargs='+', type=positive, default=[5, 20, 50, 100], metavar='K',
        help='people per image in inference')  # fmt: skip
    add('--size', type=positive, default=640, help='pixels of the square input')
    add('--repeats', type=positive, default=20 if cuda else 5, help='rounds that count')
    add('--warm-up', type=from_zero, default=3 if cuda else 0, help='rounds before them')
    add('--no-inference', action='store_true', help='leave out inference')
    add('--no-overhead', action='store_true', help='leave out the comparison with bare modules')
    add('--training', action='store_true', help='measure training, cache and evaluation too')
    add('--batch', type=positive, default=10 if cuda else 2, help='images per training step')
    add('--images', type=positive, default=80 if cuda else 8, help='images that are cached')
    add('--identities', type=positive, default=32, help='identities in a batch of phase 2')
    add('--gallery-size', type=positive, default=100, help='images per gallery in the evaluation')
    add('--metrics', nargs='+', default=[], metavar='NAME=MAP',
        help='accuracy, for the plot; default: none')  # fmt: skip
    add('--out-dir', type=Path, default=Path('work_dirs/benchmark'), help='folder of the results')


def add_options(parser: argparse.ArgumentParser) -> None:
    """Define what a second is, and how models compute in inference."""
    add = parser.add_argument
    cuda = torch.cuda.is_available()
    add('--device', default='cuda' if cuda else 'cpu', help='where models run')
    add('--threads', type=positive, help="threads on a CPU; default: PyTorch's choice")
    add('--cpu-time', action='store_true',
        help='count seconds of processor time: for a busy machine, with --threads 1')  # fmt: skip
    add = parser.add_argument_group('options of inference').add_argument
    add('--fuse-conv-bn', action=argparse.BooleanOptionalAction, default=True,
        help='fold batch normalisation into convolutions')  # fmt: skip
    add('--chunks', nargs='+', type=chunk, default=[], metavar='NAME=N',
        help="boxes embedded at once; default: the config's, by device")  # fmt: skip
    add('--amp', action='store_true', help='half precision; bfloat16 on a CPU')


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} must be at least 1')
    return number


def from_zero(text: str) -> int:
    """Read a whole number from 0."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f'{text} must be at least 0')
    return number


def chunk(text: str) -> tuple[str, int]:
    """Read a variant's name and a whole number from 1."""
    name, _, number = text.rpartition('=')
    return name, positive(number)


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """Split ``NAME=VALUE`` texts.

    Raises:
        ConfigError: An entry has no ``=``.
    """
    wrong = [text for text in texts if '=' not in text]
    if wrong:
        raise ConfigError(f'{wrong[0]} must have the form NAME=VALUE')
    return dict(text.split('=', 1) for text in texts)


def measure(args: argparse.Namespace) -> dict:
    """Measure everything that is asked for."""
    clock = time.process_time if args.cpu_time else time.perf_counter
    suite = Suite(
        configs=pairs(args.variants) or VARIANTS,
        settings=Settings(args.device, args.size, args.repeats, args.warm_up, args.amp, clock),
        options=Options(args.fuse_conv_bn, dict(args.chunks)),
        work=Work(
            batch=args.batch,
            images=args.images,
            identities=args.identities,
            gallery_size=args.gallery_size,
        ),
        batches=args.batches,
        people=args.people,
        inference=not args.no_inference,
        overhead=not args.no_overhead,
        training=args.training,
        threads=args.threads,
    )
    suite.check()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    command = shlex.join(['tools/analysis_tools/benchmark.py', *sys.argv[1:]])
    with Progress(console=Console(stderr=True)) as progress:
        return suite.run(command, progress)


if __name__ == '__main__':
    sys.exit(main())
