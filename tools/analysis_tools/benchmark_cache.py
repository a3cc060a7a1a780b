#!/usr/bin/env python
"""Measure what the feature cache saves: a re-ID step of 128 boxes with and without it.

Without a cache the boxes' images go through the shared stages in every step: at CUHK-SYSU's
density of labelled boxes (15,080 in 11,206 images) 128 boxes are in about 95 images. That does not
fit here, so 2, 4 and 8 images in one graph are measured and a straight line is put through them.
Each measurement has a process of its own, for the peak of its memory. Weights are random. Seconds
are processor time, which other processes on the machine change little; with the one thread that is
used unless --threads says otherwise, they are the wall time of an idle core.

rows:
  cache          phase 2 as it runs: memory-mapped float16 features, replicated stages, Adam
  joint          gradients into all shared stages
  joint-frozen1  the same with the stem and C2 frozen, as mmdet's recipes for ResNet have it
  frozen-trunk   shared stages without gradients, computed in every step

examples:
  python tools/analysis_tools/benchmark_cache.py
  python tools/analysis_tools/benchmark_cache.py --steps 1 --out cache.json
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmps.command_line import teaching_parser

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs' / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py'
BOXES, SIZE = 128, 640
IMAGES = round(BOXES * 11206 / 15080)
COUNTS = (2, 4, 8)
JOINT = ('joint', 'joint-frozen1', 'frozen-trunk')


def build(case: str, config_path: str, threads: int) -> Any:
    """Build the model with what learns in a case."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmps.registry import MODELS

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    init_default_scope('mmdet')
    config = Config.fromfile(config_path)
    if case == 'joint-frozen1':
        config.model.detector.backbone.frozen_stages = 1
    model = MODELS.build(config.model)
    model.set_phase('joint' if case in ('joint', 'joint-frozen1') else 'reid')
    return model.train()


def optimizer(model: Any) -> Any:
    """Adam on what the re-ID loss reaches: the shared stages, where they learn, and the branch."""
    import torch

    trunk = [*model.detector.backbone.parameters(), *model.reid_branch.parameters()]
    return torch.optim.Adam([p for p in trunk if p.requires_grad], lr=1e-4)


def update(optim: Any, loss: Any) -> None:
    """One step."""
    optim.zero_grad()
    loss.backward()
    optim.step()


def time_cache(steps: int, config: str, threads: int) -> dict[str, float]:
    """Train phase 2's steps on features in files; tell time, and the share of reading."""
    from torch.utils.data import DataLoader

    from mmps.datasets.samplers import PKBatchSampler
    from mmps.features.pooled_features import PooledFeatures

    model = build('cache', config, threads)
    optim = optimizer(model)
    with tempfile.TemporaryDirectory() as folder:
        shards, ids = write_features(Path(folder), model.pooled_shape, rows=8 * BOXES)
        dataset = PooledFeatures(ids, {})
        dataset.open(shards)
        sampler = PKBatchSampler(ids, BOXES // 4, 4)
        batches = iter(DataLoader(dataset, batch_sampler=sampler, collate_fn=lambda b: b))
        seconds, shares = [], []
        for _ in range(steps + 1):
            begin, begin_cpu = time.perf_counter(), time.process_time()
            batch = next(batches)
            loaded = time.perf_counter()
            update(optim, model(**batch)['loss_triplet'])
            seconds.append(time.process_time() - begin_cpu)
            shares.append((loaded - begin) / (time.perf_counter() - begin))
    return {'seconds': statistics.median(seconds[1:]), 'wait': statistics.mean(shares[1:])}


def write_features(folder: Path, shape: tuple[int, ...], rows: int) -> tuple[list, np.ndarray]:
    """Write random features as the cache would, and drop them from the system's file cache."""
    import os

    from mmps.features.shards import open_shard, write_shard

    rng = np.random.default_rng(0)
    paths = [folder / f'shard_{k:05d}.npy' for k in range(4)]
    for path in paths:
        values = np.maximum(rng.standard_normal((rows // 4, 1, *shape), dtype=np.float32), 0)
        write_shard(path, values.astype(np.float16))
        with open(path, 'rb') as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return [open_shard(path) for path in paths], np.arange(rows) // 4


def time_images(case: str, images: int, steps: int, config: str, threads: int) -> dict[str, float]:
    """Run steps whose boxes are cut out of images that go through the shared stages."""
    import torch

    model = build(case, config, threads)
    optim = optimizer(model)
    boxes = max(round(images * BOXES / IMAGES), 2)
    inputs = torch.randn(images, 3, SIZE, SIZE)
    corners = torch.rand(boxes, 2) * (SIZE - 200)
    sides = torch.tensor([80.0, 190.0]).expand(boxes, 2)
    owner = torch.arange(boxes)[:, None] % images
    rois = torch.cat([owner.float(), corners, corners + sides], dim=1)
    ids = torch.arange(boxes) // 2
    seconds = []
    for _ in range(steps + 1):
        begin = time.process_time()
        pooled = model.reid_branch.pooling(model.source.run(inputs), rois)
        update(optim, model.reid_branch.loss(pooled, ids)['loss_triplet'])
        seconds.append(time.process_time() - begin)
    return {'seconds': statistics.median(seconds[1:])}


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Run one case in this process."""
    if args.case == 'cache':
        result = time_cache(args.steps, args.config, args.threads)
    else:
        result = time_images(args.case, args.images, args.steps, args.config, args.threads)
    return {**result, 'bytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def in_own_process(args: argparse.Namespace, case: str, images: int) -> dict[str, float]:
    command = [sys.executable, __file__, '--case', case, '--images', str(images)]
    command += ['--steps', str(args.steps), '--config', args.config, '--threads', str(args.threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def extrapolate(counts: tuple[int, ...], values: list[float], to: int) -> float:
    """Put a straight line through measurements and read it at another number of images."""
    slope, start = np.polyfit(counts, values, 1)
    return float(start + slope * to)


def table(cache: dict[str, float], joint: dict[str, list[dict[str, float]]]) -> str:
    """Print all measurements as Markdown."""
    lines = ['| step of 128 boxes | images | s | boxes/s | peak GB | time x | memory x |',
             '|---|---|---|---|---|---|---|']  # fmt: skip

    def row(name: str, images: str, seconds: float, size: float, boxes: int = BOXES) -> None:
        compared = [f'{seconds / cache["seconds"]:.1f}', f'{size / cache["bytes"]:.1f}']
        compared = compared if boxes == BOXES else ['', '']
        cells = [name, images, f'{seconds:.2f}', f'{boxes / seconds:.1f}', f'{size / 1e9:.2f}']
        lines.append('| ' + ' | '.join([*cells, *compared]) + ' |')

    row('cache', '0', cache['seconds'], cache['bytes'])
    for name, results in joint.items():
        for images, result in zip(COUNTS, results, strict=True):
            boxes = max(round(images * BOXES / IMAGES), 2)
            row(f'{name}, {boxes} boxes', str(images), result['seconds'], result['bytes'], boxes)
        guess = {k: extrapolate(COUNTS, [r[k] for r in results], IMAGES) for k in results[0]}
        row(f'{name}, extrapolated', str(IMAGES), guess['seconds'], guess['bytes'])
    lines.append(f'\nWaiting for data: {cache["wait"]:.2%} of the wall time of a cached step.')
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--config', default=str(CONFIG), help='of the model')
    parser.add_argument('--steps', type=int, default=3, help='measured in each process, after one')
    parser.add_argument('--threads', type=int, default=1, help='of each process')
    parser.add_argument(
        '--out', type=Path, help='write all figures to a JSON file; default: not written'
    )
    parser.add_argument('--case', choices=['cache', *JOINT], help=argparse.SUPPRESS)
    parser.add_argument('--images', type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.case:
        print(json.dumps(measure(args)))
        return
    cache = in_own_process(args, 'cache', 0)
    joint = {case: [in_own_process(args, case, n) for n in COUNTS] for case in JOINT}
    print(table(cache, joint))
    if args.out:
        from mmps.files import write_json

        write_json(args.out, {'cache': cache, **joint})


if __name__ == '__main__':
    main()
