"""Steps per second of both training phases, on drawn data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn
from torch.utils.data import DataLoader

from mmps.benchmarks.inputs import Work, drawn_batch
from mmps.datasets.samplers import PKBatchSampler
from mmps.features.pooled_features import PooledFeatures
from mmps.features.shards import open_shard, write_shard
from mmps.registry import MODELS

from .measuring import Settings
from .timing import interleaved, quartiles, rates, relative
from .variants import build_variant, without_pretrained

SGD = {'optimizer': {'type': 'SGD', 'lr': 1e-3, 'momentum': 0.9, 'weight_decay': 1e-4}}
ADAM = {'optimizer': {'type': 'Adam', 'lr': 1e-4}}
"""The paper's learning rates, for configs without schedules."""

OURS, PLAIN = 'ours', 'plain mmdet'

Job = Callable[[], dict]


def measure_detection_steps(
    config: str | Path,
    settings: Settings,
    work: Work,
    on_round: Callable[[], object] = lambda: None,
) -> dict:
    """Train phase 1 of a model, alternating with mmdet's own detector of the same config.

    Both start with the same weights and repeatedly receive the same batch.

    Args:
        config: Config of a model of mmps.
        settings: Device, sizes and number of rounds.
        work: Amount of work per round.
        on_round: Called after each round.

    Returns:
        ``steps_per_second`` of ``OURS`` and ``PLAIN``, and ``ratio``, their ratio in each round:
        all as quartiles.
    """
    jobs = detection_jobs(config, settings, work)
    seconds = interleaved(jobs, settings.repeats, settings.first_rounds, on_round, settings.clock)
    return {
        'batch': work.batch,
        'people': work.people,
        'steps_per_second': {name: rates(times) for name, times in seconds.items()},
        'ratio': quartiles(relative(seconds[PLAIN], seconds[OURS])),
    }


def detection_jobs(config: str | Path, settings: Settings, work: Work) -> dict[str, Job]:
    """Build the training steps of both detectors."""
    ours = build_variant(OURS, config, settings.device).model
    ours.set_phase('detection')
    content = Config.fromfile(config)
    plain = MODELS.build(without_pretrained(content.model.detector))
    plain.load_state_dict(ours.detector.state_dict())
    batch = drawn_batch(work.batch, settings.size, work.people)
    optimizer = content.get('optim_wrapper', SGD)
    return {
        name: step_job(model.to(settings.device), optimizer, itertools.repeat(batch))
        for name, model in ((OURS, ours), (PLAIN, plain))
    }


def measure_reid_steps(
    configs: Mapping[str, str | Path],
    settings: Settings,
    work: Work,
    on_round: Callable[[], object] = lambda: None,
) -> list[dict]:
    """Train phase 2 of several models alternately, from features in files.

    Args:
        configs: Configs of the models, by name.
        settings: Device, sizes and number of rounds.
        work: Amount of work per round.
        on_round: Called after each round.

    Returns:
        ``variant``, ``boxes`` in a batch and ``steps_per_second`` as quartiles, by model.
    """
    with reid_jobs(configs, settings, work) as jobs:
        seconds = interleaved(
            jobs, settings.repeats, settings.first_rounds, on_round, settings.clock
        )
    return [
        {'variant': name, 'boxes': work.boxes, 'steps_per_second': rates(times)}
        for name, times in seconds.items()
    ]


@contextmanager
def reid_jobs(
    configs: Mapping[str, str | Path], settings: Settings, work: Work
) -> Iterator[dict[str, Job]]:
    """Build the training steps of phase 2; the files exist as long as the context is open."""
    with TemporaryDirectory() as folder:
        jobs = {}
        for name, config in configs.items():
            model = build_variant(name, config, settings.device).model
            model.set_phase('reid')
            hook = Config.fromfile(config).get('default_hooks', {}).get('two_phase', {})
            path = Path(folder) / f'{len(jobs)}.npy'
            batches = cached_batches(path, model.pooled_shape, work)
            jobs[name] = step_job(model, hook.get('optim_wrapper', ADAM), batches)
        yield jobs


def cached_batches(path: Path, shape: tuple[int, int, int], work: Work) -> Iterator[dict]:
    """Write random features as the cache does, and yield batches of them endlessly.

    Args:
        path: File to write.
        shape: (C, h, w) of a feature.
        work: Amount of work; the features suffice for two batches.
    """
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2 * work.boxes, 1, *shape), dtype=np.float32)
    write_shard(path, np.maximum(rows, 0).astype(np.float16))
    identities = np.arange(len(rows)) // work.shots
    dataset = PooledFeatures(identities, {})
    dataset.open([open_shard(path)])
    sampler = PKBatchSampler(identities, work.identities, work.shots)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=lambda batch: batch)
    return itertools.chain.from_iterable(itertools.repeat(loader))


def step_job(model: nn.Module, optimizer: dict, batches: Iterator[dict]) -> Job:
    """Build a training step as in MMEngine's loops; it returns what a log would show."""
    wrapper: Any = build_optim_wrapper(model, optimizer)
    model.train()
    return lambda: model.train_step(next(batches), wrapper)
