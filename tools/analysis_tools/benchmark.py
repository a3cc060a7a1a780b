"""Time to detect and embed a person: the paper's Table 1b, for J2, J3, J4 and the baseline Disj.

examples:
  tools/analysis_tools/benchmark.py
  tools/analysis_tools/benchmark.py --batches 1 4 8 --people 5 20 50 100
  tools/analysis_tools/benchmark.py --variants J3=my.py Disj.=baseline.py --metrics J3=0.79
"""

from __future__ import annotations

import argparse
import datetime
import platform
import resource
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import mmcv
import mmdet
import mmengine
import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress

from mmps.evaluation.files import write_json, write_text
from mmps.speed import Cell, Settings, Variant, build_variant, flops_per_part, measure_cell
from mmps.speed.measuring import measure_overhead
from mmps.speed.report import marginal_rows, markdown, total_rows
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
        result = measure(args)
        accuracy = {name: float(value) for name, value in pairs(args.metrics).items()}
    except (UserError, ValueError) as error:
        print(f'benchmark: {error}', file=sys.stderr)
        return 2
    text = markdown(result)
    write_json(result, args.out_dir / 'benchmark.json')
    write_text(text, args.out_dir / 'benchmark.md')
    save_figure(draw_speed(result['cells'], accuracy), args.out_dir / 'benchmark.png')
    print(text)
    print(f'{args.out_dir}: benchmark.json, benchmark.md, benchmark.png')
    return 0


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--variants', nargs='+', default=[], metavar='NAME=CONFIG', help='other configs')
    add('--batches', nargs='+', type=positive, default=[1, 4, 8] if cuda else [1], metavar='B',
        help='images per pass (1; on a GPU 1 4 8)')  # fmt: skip
    add('--people', nargs='+', type=positive, default=[5, 20, 50, 100], metavar='K',
        help='people per image (5 20 50 100)')  # fmt: skip
    add('--size', type=positive, default=640, help='pixels of the square input (640)')
    add('--repeats', type=positive, default=20 if cuda else 5, help='rounds that count')
    add('--warm-up', type=int, default=3 if cuda else 0, help='rounds before them')
    add('--device', default='cuda' if cuda else 'cpu')
    add('--threads', type=positive, help='threads of PyTorch on a CPU')
    add(
        '--cpu-time',
        action='store_true',
        help='count seconds that the process computes: for a busy machine, with --threads 1',
    )
    add('--no-overhead', action='store_true', help='leave out the comparison with bare modules')
    add('--fuse-conv-bn', action='store_true', help='fold batch normalisation into convolutions')
    add('--channels-last', action='store_true', help='memory layout of images and weights')
    add('--chunks', nargs='+', default=[] if cuda else ['Disj.=16'], metavar='NAME=N',
        help='boxes embedded at once; on a CPU 16 crops are fastest (Disj.=16)')  # fmt: skip
    add('--amp', action='store_true', help='half precision; bfloat16 on a CPU')
    add('--compile', action='store_true', help='torch.compile for backbones and stages')
    add('--metrics', nargs='+', default=[], metavar='NAME=MAP', help='accuracy, for the plot')
    add('--out-dir', type=Path, default=Path('work_dirs/benchmark'))
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} must be at least 1')
    return number


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
    """Run all cells, and the comparison with bare modules."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    settings = Settings(
        args.device, args.size, args.repeats, args.warm_up, args.amp, args.channels_last,
        time.process_time if args.cpu_time else time.perf_counter,
    )  # fmt: skip
    configs = pairs(args.variants) or VARIANTS
    variants = [prepare(build_variant(n, c, args.device), args) for n, c in configs.items()]
    flops = {v.name: flops_per_part(v, settings.images(1)) for v in variants}
    with Progress(console=Console(stderr=True)) as progress:
        rounds = settings.warm_up + settings.repeats
        cells: list[Cell] = []
        task = progress.add_task('cells', total=rounds * len(args.batches) * len(args.people))
        for batch in args.batches:
            for people in args.people:
                on_round = advance(progress, task, f'{batch} x {people} people')
                cells += measure_cell(variants, settings, batch, people, on_round)
        overhead = {}
        if not args.no_overhead:
            task = progress.add_task('overhead', total=rounds)
            people = min(args.people, key=lambda k: abs(k - 20))
            on_round = advance(progress, task, f'overhead, {people} people')
            overhead = measure_overhead(variants, settings, args.batches[0], people, on_round)
    return {
        'settings': describe(args),
        'cells': total_rows(cells, flops),
        'marginal': marginal_rows(cells, flops),
        'overhead': overhead,
        'gflops': {name: {'image': i / 1e9, 'person': p / 1e9} for name, (i, p) in flops.items()},
        'peak_memory_mib': peak_memory(args.device),
    }


def prepare(variant: Variant, args: argparse.Namespace) -> Variant:
    """Apply the options that change how a model computes, not what."""
    model = variant.model
    model.reid_branch.chunk = int(pairs(args.chunks).get(variant.name, model.reid_branch.chunk))
    if args.fuse_conv_bn:
        fuse_conv_bn(model)
    if args.channels_last:
        model.to(memory_format=torch.channels_last)
    if args.compile:
        for part in (model.detector.backbone, model.reid_branch.stages):
            part.compile()
    return variant


def advance(progress: Progress, task: int, label: str) -> Callable[[], None]:
    """Make what moves a progress bar on by a round."""
    progress.update(task, description=label)
    return lambda: progress.advance(task)


def describe(args: argparse.Namespace) -> dict:
    """Name what numbers depend on."""
    packages = (torch, mmcv, mmengine, mmdet)
    cuda = args.device.startswith('cuda')
    cpu = f'{torch.get_num_threads()} CPU threads ({platform.machine()})'
    return {
        'command': shlex.join(['tools/analysis_tools/benchmark.py', *sys.argv[1:]]),
        'date': datetime.date.today().isoformat(),
        'machine': torch.cuda.get_device_name() if cuda else cpu,
        'versions': ', '.join(f'{p.__name__} {p.__version__}' for p in packages),
        'size': args.size,
        'repeats': args.repeats,
    }


def peak_memory(device: str) -> float:
    """Most memory in use so far: the GPU's, or the process's, in MiB."""
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == '__main__':
    sys.exit(main())
