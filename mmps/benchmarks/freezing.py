"""The saving by frozen stages in a step of phase 1."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmps.registry import MODELS

from .inputs import drawn_batch
from .own_process import peak_bytes
from .tables import table

SIZE, PEOPLE = 640, 5
FROZEN = (-1, 1)
"""Values of ``frozen_stages``: nothing is frozen, or the stem and C2, as in mmdet's recipes."""


def measure_freezing(
    config: str, frozen_stages: int, batch: int, repeats: int, threads: int
) -> dict[str, float]:
    """Train steps of phase 1 in this process, after one that does not count.

    Args:
        config: Config of a model of mmps.
        frozen_stages: Of the detector's backbone.
        batch: Images.
        repeats: Steps that count.
        threads: Number of CPU threads.

    Returns:
        ``seconds`` of processor time, the median, and ``bytes``, the peak of memory.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    init_default_scope('mmdet')
    content = Config.fromfile(config)
    content.model.detector.backbone.frozen_stages = frozen_stages
    model = MODELS.build(content.model)
    model.set_phase('detection')
    optimizer = build_optim_wrapper(model, content.optim_wrapper)
    data, seconds = drawn_batch(batch, SIZE, PEOPLE), []
    for _ in range(repeats + 1):
        begin = time.process_time()
        model.train().train_step(data, optimizer)
        seconds.append(time.process_time() - begin)
    return {'seconds': statistics.median(seconds[1:]), 'bytes': peak_bytes()}


def freezing_table(results: Mapping[int, Sequence[Mapping[str, float]]]) -> str:
    """Write medians, and the lowest and highest time, as Markdown.

    Args:
        results: From :func:`measure_freezing`, by ``frozen_stages``.
    """
    rows = []
    for frozen_stages, rounds in results.items():
        seconds = [result['seconds'] for result in rounds]
        size = statistics.median(result['bytes'] for result in rounds) / 1e9
        spread = f'({min(seconds):.2f} to {max(seconds):.2f})'
        rows.append((frozen_stages, f'{statistics.median(seconds):.2f} {spread}', f'{size:.2f}'))
    head = ('frozen_stages', 's per step: median (lowest to highest)', 'peak GB')
    return table(head, rows)
