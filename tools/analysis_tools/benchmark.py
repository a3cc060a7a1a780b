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
from collections.abc import Callable, Sequence
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import torch
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress

from mmps.benchmarks import (
    Cell,
    Options,
    Settings,
    Variant,
    Work,
    build_variant,
    check_head,
    flops_per_part,
    is_shared,
    measure_cache,
    measure_cells,
    measure_detection_steps,
    measure_evaluation,
    measure_overhead,
    measure_reid_steps,
    prepare,
)
from mmps.benchmarks.machine import describe, peak_memory, use_device
from mmps.benchmarks.options import in_words
from mmps.benchmarks.report import marginal_rows, markdown, total_rows
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
    """Write the result's files; tell their names."""
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
        ConfigError: One has no ``=``.
    """
    wrong = [text for text in texts if '=' not in text]
    if wrong:
        raise ConfigError(f'{wrong[0]} must have the form NAME=VALUE')
    return dict(text.split('=', 1) for text in texts)


def measure(args: argparse.Namespace) -> dict:
    """Run everything that is asked for."""
    configs = pairs(args.variants) or VARIANTS
    options = Options(args.fuse_conv_bn, dict(args.chunks))
    options.check(configs)
    shared = {name: config for name, config in configs.items() if is_shared(config)}
    if args.training and not shared:
        raise ConfigError('--training needs a variant with a shared backbone')
    use_device(args.device, args.threads)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        args.device, args.size, args.repeats, args.warm_up, args.amp,
        time.process_time if args.cpu_time else time.perf_counter,
    )  # fmt: skip
    result = {'cells': [], 'marginal': [], 'overhead': {}, 'gflops': {}, 'training': {}}
    described = {
        'command': shlex.join(['tools/analysis_tools/benchmark.py', *sys.argv[1:]]),
        **describe(args.device),
        'size': args.size,
        'repeats': args.repeats,
        'options': '',
    }
    with Progress(console=Console(stderr=True)) as progress:
        if not args.no_inference:
            variants = [build_variant(n, c, args.device) for n, c in configs.items()]
            for variant in variants:
                check_head(variant)
            flops = {v.name: flops_per_part(v, settings.images(1)) for v in variants}
            variants = [prepare(variant, options) for variant in variants]
            described['options'] = in_words(variants, options, amp=args.amp)
            result |= measure_inference(variants, flops, settings, args, progress)
            del variants
        if args.training:
            result['training'] = measure_training(shared, settings, args, progress)
    return {'settings': described, **result, 'peak_memory_mib': peak_memory(args.device)}


def measure_inference(
    variants: list[Variant], flops: dict, settings: Settings, args: argparse.Namespace,
    progress: Progress,
) -> dict:  # fmt: skip
    """Run all cells, and the comparison with bare modules."""
    rounds = settings.warm_up + settings.repeats
    cells: list[Cell] = []
    task = progress.add_task('', total=rounds * len(args.batches))
    for batch in args.batches:
        on_round = advance(progress, task, f'batch {batch}')
        cells += measure_cells(variants, settings, batch, args.people, on_round)
    overhead = {}
    if not args.no_overhead:
        task = progress.add_task('', total=settings.first_rounds + settings.repeats)
        people = min(args.people, key=lambda k: abs(k - 20))
        on_round = advance(progress, task, f'overhead, {people} people')
        overhead = measure_overhead(variants, settings, args.batches[0], people, on_round)
    return {
        'cells': total_rows(cells, flops),
        'marginal': marginal_rows(cells, flops),
        'overhead': overhead,
        'gflops': {name: {'image': i / 1e9, 'person': p / 1e9} for name, (i, p) in flops.items()},
    }


def measure_training(
    shared: dict, settings: Settings, args: argparse.Namespace, progress: Progress
) -> dict:
    """Run both phases of training, the cache between them, and an evaluation."""
    work = Work(
        batch=args.batch, images=args.images, identities=args.identities,
        gallery_size=args.gallery_size,
    )  # fmt: skip
    first = next(iter(shared))
    rounds = settings.first_rounds + settings.repeats
    task = progress.add_task('', total=rounds * (len(shared) + 2) + settings.repeats)
    return {
        'detection': measure_detection_steps(
            shared[first], settings, work, advance(progress, task, f'phase 1, {first}')
        ),
        'cache': measure_cache(shared, settings, work, advance(progress, task, 'cache')),
        'reid': measure_reid_steps(shared, settings, work, advance(progress, task, 'phase 2')),
        'evaluation': measure_evaluation(settings, work, advance(progress, task, 'evaluation')),
    }


def advance(progress: Progress, task: int, label: str) -> Callable[[], None]:
    """Make what moves a progress bar on by a round."""
    progress.update(task, description=label)
    return lambda: progress.advance(task)


if __name__ == '__main__':
    sys.exit(main())
