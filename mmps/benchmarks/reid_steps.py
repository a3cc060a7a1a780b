"""The saving by the feature cache: re-ID steps with and without it."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor
from torch.utils.data import DataLoader

from mmps.datasets.samplers import PKBatchSampler
from mmps.features.pooled_features import PooledFeatures
from mmps.features.shards import open_shard, write_shard
from mmps.registry import MODELS

from .own_process import peak_bytes
from .tables import table

BOXES, SHOTS, SIZE = 128, 4, 640
IMAGES = round(BOXES * 11206 / 15080)
"""Images that hold 128 labelled boxes at CUHK-SYSU's density."""

COUNTS = (2, 4, 8)
"""Images in one graph that are measured; more do not fit here."""

CACHE = 'cache'
JOINT = ('joint', 'joint-frozen1', 'frozen-trunk')


def measure_step(case: str, images: int, repeats: int, config: str, threads: int) -> dict[str, Any]:
    """Run steps of one case in this process, after one that does not count.

    Args:
        case: ``cache``, or one of :data:`JOINT`.
        images: Whose boxes a step without cache uses.
        repeats: Steps that count.
        config: Config of the model.
        threads: Number of CPU threads.

    Returns:
        ``seconds`` of processor time, the median; ``bytes``, the peak of memory; with the cache
        ``wait``, the share of the wall time that goes into reading.
    """
    torch.set_num_threads(threads)
    model = build(case, config)
    timed = time_cache(model, repeats) if case == CACHE else time_images(model, images, repeats)
    return {**timed, 'bytes': peak_bytes()}


def build(case: str, config: str) -> Any:
    """Build the model with what learns in a case."""
    torch.manual_seed(0)
    init_default_scope('mmdet')
    content = Config.fromfile(config)
    if case == 'joint-frozen1':
        content.model.detector.backbone.frozen_stages = 1
    model = MODELS.build(content.model)
    model.set_phase('joint' if case in ('joint', 'joint-frozen1') else 'reid')
    return model.train()


def time_cache(model: Any, repeats: int) -> dict[str, float]:
    """Train phase 2's steps on features in files."""
    optim = optimizer(model)
    with tempfile.TemporaryDirectory() as folder:
        shards, ids = write_features(Path(folder), model.pooled_shape, rows=8 * BOXES)
        dataset = PooledFeatures(ids, {})
        dataset.open(shards)
        sampler = PKBatchSampler(ids, BOXES // SHOTS, SHOTS)
        batches = iter(DataLoader(dataset, batch_sampler=sampler, collate_fn=lambda b: b))
        seconds, shares = [], []
        for _ in range(repeats + 1):
            begin, begin_cpu = time.perf_counter(), time.process_time()
            batch = next(batches)
            loaded = time.perf_counter()
            update(optim, model(**batch)['loss_triplet'])
            seconds.append(time.process_time() - begin_cpu)
            shares.append((loaded - begin) / (time.perf_counter() - begin))
    return {'seconds': statistics.median(seconds[1:]), 'wait': statistics.mean(shares[1:])}


def time_images(model: Any, images: int, repeats: int) -> dict[str, float]:
    """Train steps whose boxes are cut out of images that go through the shared stages."""
    optim = optimizer(model)
    boxes = boxes_of(images)
    inputs = torch.randn(images, 3, SIZE, SIZE)
    corners = torch.rand(boxes, 2) * (SIZE - 200)
    sides = torch.tensor([80.0, 190.0]).expand(boxes, 2)
    owner = torch.arange(boxes)[:, None] % images
    rois = torch.cat([owner.float(), corners, corners + sides], dim=1)
    ids = torch.arange(boxes) // 2
    seconds = []
    for _ in range(repeats + 1):
        begin = time.process_time()
        pooled = model.reid_branch.pooling(model.source.run(inputs), rois)
        update(optim, model.reid_branch.loss(pooled, ids)['loss_triplet'])
        seconds.append(time.process_time() - begin)
    return {'seconds': statistics.median(seconds[1:])}


def optimizer(model: Any) -> torch.optim.Optimizer:
    """Build Adam on what the re-ID loss reaches: the branch, and the shared stages that learn."""
    trunk = [*model.detector.backbone.parameters(), *model.reid_branch.parameters()]
    return torch.optim.Adam([p for p in trunk if p.requires_grad], lr=1e-4)


def update(optim: torch.optim.Optimizer, loss: Tensor) -> None:
    """Update the weights once."""
    optim.zero_grad()
    loss.backward()
    optim.step()


def write_features(folder: Path, shape: Sequence[int], rows: int) -> tuple[list, np.ndarray]:
    """Write random features as the cache would, and drop them from the system's file cache."""
    rng = np.random.default_rng(0)
    paths = [folder / f'shard_{k:05d}.npy' for k in range(4)]
    for path in paths:
        values = np.maximum(rng.standard_normal((rows // 4, 1, *shape), dtype=np.float32), 0)
        write_shard(path, values.astype(np.float16))
        with open(path, 'rb') as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return [open_shard(path) for path in paths], np.arange(rows) // SHOTS


def boxes_of(images: int) -> int:
    """Return the boxes of a step on so many images."""
    return max(round(images * BOXES / IMAGES), 2)


def extrapolate(counts: Sequence[int], values: Sequence[float], to: int) -> float:
    """Fit a straight line to measurements and read it at another number of images."""
    slope, start = np.polyfit(counts, values, 1)
    return float(start + slope * to)


def steps_table(cache: dict[str, float], joint: dict[str, list[dict[str, float]]]) -> str:
    """Write all measurements as Markdown.

    Args:
        cache: Result of :func:`measure_step`.
        joint: The same of each case without cache, for each of :data:`COUNTS`.
    """
    rows = []

    def row(name: str, images: int, found: dict[str, float], boxes: int = BOXES) -> None:
        ratios = [f'{found[key] / cache[key]:.1f}' for key in ('seconds', 'bytes')]
        cells = [f'{found["seconds"]:.2f}', f'{boxes / found["seconds"]:.1f}']
        cells += [f'{found["bytes"] / 1e9:.2f}', *(ratios if boxes == BOXES else ('', ''))]
        rows.append([name, images, *cells])

    row(CACHE, 0, cache)
    for name, results in joint.items():
        for images, result in zip(COUNTS, results, strict=True):
            row(f'{name}, {boxes_of(images)} boxes', images, result, boxes_of(images))
        guess = {k: extrapolate(COUNTS, [r[k] for r in results], IMAGES) for k in results[0]}
        row(f'{name}, extrapolated', IMAGES, guess)
    head = ('step of 128 boxes', 'images', 's', 'boxes/s', 'peak GB', 'time x', 'memory x')
    waiting = f'Waiting for data: {cache["wait"]:.2%} of the wall time of a cached step.\n'
    return f'{table(head, rows)}\n{waiting}'
