"""The shortest run that goes through everything: of a config, one epoch of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .data import read_config

SIZE = (160, 160)
PEOPLE = {'identities': 8, 'shots': 2}
TRAINING = 'train_dataloader'
IMAGES = 12
"""That phase 1 sees of each data set."""

LOADERS = (TRAINING, 'cached_people', 'test_dataloader')
"""Parts of a config that load images."""


def rehearse(config: Path) -> dict[str, Any]:
    """Return options that make a config's training as short as it can be, on small images.

    The numbers that it leads to mean nothing.

    Args:
        config: Of a detector, or of both phases.
    """
    content = read_config(config)
    options: dict[str, Any] = {'train_cfg.max_epochs': 1, 'load_from': None}
    if 'two_phase' in content.default_hooks:
        stages = content.default_hooks.two_phase.stages
        options['train_cfg.max_epochs'] = 1 + len(stages)
        options['default_hooks.two_phase.detection_epochs'] = 1
        for number in range(len(stages)):
            options[f'default_hooks.two_phase.stages.{number}.epochs'] = 1
        for key, value in PEOPLE.items():
            options[f'default_hooks.two_phase.batches.{key}'] = value
    options |= _without_weights(content.model, 'model')
    if 'dynamic_intervals' in content.train_cfg:
        options['train_cfg.dynamic_intervals'] = None
    for loader in LOADERS:
        options[f'{loader}.num_workers'] = 0
        options |= _small(f'{loader}.dataset', content[loader].dataset)
    return options


def _without_weights(model: Any, place: str) -> dict[str, Any]:
    """Let all backbones start at random, and learn batch statistics, which no weights fill."""
    options = {}
    for part, settings in model.items():
        if part == 'backbone' and 'type' in settings:
            options |= {f'{place}.{part}.init_cfg': None, f'{place}.{part}.norm_eval': False}
        elif part == 'detector':
            options |= _without_weights(settings, f'{place}.{part}')
    return options


def _small(place: str, dataset: Any) -> dict[str, Any]:
    if 'datasets' in dataset:
        parts = enumerate(dataset.datasets)
        return {k: v for n, part in parts for k, v in _small(f'{place}.datasets.{n}', part).items()}
    few = {f'{place}.indices': IMAGES} if place.startswith(TRAINING) else {}
    return few | {
        f'{place}.pipeline.{number}.scale': SIZE
        for number, transform in enumerate(dataset.pipeline)
        if transform.type == 'Resize'
    }
