"""How fast the feature cache is written, compared with the bare forward pass that fills it."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor

from mmps.benchmarks.inputs import LoadedPeople, Work
from mmps.benchmarks.unwrapped import run_trunk
from mmps.features import FeatureCache, pooled_shards
from mmps.models.detectors.person_search import PersonSearchDetector

from .measuring import Settings
from .timing import interleaved, quartiles, rates, relative
from .variants import build_variant

CACHE, HAND = 'cache', 'by hand'


def measure_cache(
    configs: Mapping[str, str | Path],
    settings: Settings,
    work: Work,
    on_round: Callable[[], object] = lambda: None,
) -> list[dict]:
    """Write feature caches, alternating with only trunk and RoI pooling on the same images.

    Images are in memory on both sides. The cache starts from bytes and ends with checked files;
    the bare pass starts from normalised images and drops the features.

    Args:
        configs: Configs of models with a shared backbone, by name.
        settings: Device, sizes and number of rounds.
        work: Amount of work per round.
        on_round: Called after each round.

    Returns:
        ``boxes_per_second`` of ``CACHE`` and ``HAND``, and ``share``, their ratio in each round:
        all as quartiles, by model.
    """
    rows = []
    for name, config in configs.items():
        model = build_variant(name, config, settings.device).model
        with cache_jobs(model, settings, work) as (jobs, boxes):
            seconds = interleaved(
                jobs, settings.repeats, settings.first_rounds, on_round, settings.clock
            )
        rows.append(
            {
                'variant': name,
                'images': work.images,
                'boxes': boxes,
                'boxes_per_second': {job: rates(times, boxes) for job, times in seconds.items()},
                'share': quartiles(relative(seconds[HAND], seconds[CACHE])),
            }
        )
    return rows


@contextmanager
def cache_jobs(
    model: PersonSearchDetector, settings: Settings, work: Work
) -> Iterator[tuple[dict[str, Callable], int]]:
    """Build both jobs, and return the number of boxes that they pool."""
    with TemporaryDirectory() as folder:
        images = Path(folder) / 'images'
        images.mkdir()
        people = LoadedPeople(images, settings.size, work)
        prepared = prepare_batches(model, people)
        fresh = (Path(folder) / str(number) for number in itertools.count())
        fingerprint = model.feature_fingerprint()

        def write() -> FeatureCache:
            cache = FeatureCache(next(fresh), people, fingerprint, model.pooled_shape)
            with contextlib.redirect_stderr(io.StringIO()):  # a progress bar for each round
                cache.fill(lambda shards: pooled_shards(model, people, shards))
            return cache

        yield {CACHE: write, HAND: lambda: pool_by_hand(model, prepared)}, len(people)


def prepare_batches(
    model: PersonSearchDetector, people: LoadedPeople
) -> list[tuple[Tensor, Tensor]]:
    """Normalise all images and collect their boxes: ``(B, 3, H, W)`` and ``(N, 5)`` each."""
    prepared = []
    for loaded in people.batches(list(range(len(people.shards)))):
        data = model.data_preprocessor(loaded, False)
        boxes = [get_box_tensor(s.gt_instances.bboxes) for s in data['data_samples']]
        owner = [boxes[k].new_full((len(boxes[k]), 1), k) for k in range(len(boxes))]
        prepared.append((data['inputs'], torch.cat([torch.cat(owner), torch.cat(boxes)], dim=1)))
    return prepared


@torch.no_grad()
def pool_by_hand(
    model: PersonSearchDetector, prepared: list[tuple[Tensor, Tensor]]
) -> list[Tensor]:
    """Run the shared stages and the RoI pooling by calling the modules one after the other.

    Args:
        model: Model with a shared backbone.
        prepared: Result of :func:`prepare_batches`.

    Returns:
        ``(N, C, h, w)`` of each batch.
    """
    pooling, stage = model.reid_branch.pooling, model.source.stage
    backbone = model.detector.backbone
    return [pooling(run_trunk(backbone, inputs, stage), rois) for inputs, rois in prepared]
