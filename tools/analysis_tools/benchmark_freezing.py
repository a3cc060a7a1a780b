#!/usr/bin/env python
"""Measure what frozen stages would save in a step of phase 1, which the paper's configs do without.

A step is the detector's losses on images of noise with five people each, their gradients, and the
update. Both settings take turns, each time in a process of its own, for the peak of its memory.
Weights are random. Seconds are processor time of one thread.

examples:
  python tools/analysis_tools/benchmark_freezing.py
  python tools/analysis_tools/benchmark_freezing.py configs/joint/joint-j2_retinanet_r50_fpn_c.py \
      --batch 4
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from mmps.command_line import teaching_parser

CONFIG = (
    Path(__file__).resolve().parents[2] / 'configs' / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py'
)
SIZE, PEOPLE = 640, 5
FROZEN = (-1, 1)
"""Values of ``frozen_stages``: nothing is frozen, or the stem and C2, as in mmdet's recipes."""


def measure(config: str, frozen_stages: int, batch: int, steps: int) -> dict[str, float]:
    """Run steps in this process, after one that does not count.

    Args:
        config: Of a model of mmps.
        frozen_stages: Of the detector's backbone.
        batch: Images.
        steps: That count.

    Returns:
        ``seconds`` of processor time, the median, and ``bytes``, the peak of memory.
    """
    import torch
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import init_default_scope

    from mmps.benchmarks.inputs import drawn_batch
    from mmps.registry import MODELS

    torch.set_num_threads(1)
    torch.manual_seed(0)
    init_default_scope('mmdet')
    content = Config.fromfile(config)
    content.model.detector.backbone.frozen_stages = frozen_stages
    model = MODELS.build(content.model)
    model.set_phase('detection')
    optimizer = build_optim_wrapper(model, content.optim_wrapper)
    data, seconds = drawn_batch(batch, SIZE, PEOPLE), []
    for _ in range(steps + 1):
        begin = time.process_time()
        model.train().train_step(data, optimizer)
        seconds.append(time.process_time() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {'seconds': statistics.median(seconds[1:]), 'bytes': peak}


def in_own_process(args: argparse.Namespace, frozen_stages: int) -> dict[str, float]:
    """Measure one setting in a new process."""
    command = [sys.executable, __file__, args.config, '--frozen-stages', str(frozen_stages)]
    command += ['--batch', str(args.batch), '--steps', str(args.steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(results: dict[int, list[dict[str, float]]]) -> str:
    """Write medians, and the lowest and highest time, as Markdown."""
    lines = [
        '| frozen_stages | s per step: median (lowest to highest) | peak GB |',
        '|---|---|---|',
    ]
    for frozen_stages, rounds in results.items():
        seconds = [result['seconds'] for result in rounds]
        size = statistics.median(result['bytes'] for result in rounds) / 1e9
        spread = f'({min(seconds):.2f} to {max(seconds):.2f})'
        lines.append(
            f'| {frozen_stages} | {statistics.median(seconds):.2f} {spread} | {size:.2f} |'
        )
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('config', nargs='?', default=str(CONFIG), help='of the model')
    parser.add_argument('--batch', type=int, default=2, help='images in a step')
    parser.add_argument('--steps', type=int, default=2, help='measured in each process, after one')
    parser.add_argument('--rounds', type=int, default=5, help='processes for each setting')
    parser.add_argument('--frozen-stages', type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.frozen_stages is not None:
        print(json.dumps(measure(args.config, args.frozen_stages, args.batch, args.steps)))
        return
    results: dict[int, list[dict[str, float]]] = {value: [] for value in FROZEN}
    for _ in range(args.rounds):
        for value, rounds in results.items():
            rounds.append(in_own_process(args, value))
    print(table(results))


if __name__ == '__main__':
    main()
