"""Settings of the evaluators in a config for a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmps.checkpoints.notes import CheckpointTest
from mmps.files import check_can_write
from mmps.structures import ConfigError

TEST_KEYS = ('test_dataloader', 'test_evaluator', 'test_cfg')


def check_test_set(config: Config) -> None:
    """Refuse a config that says nothing of a test.

    Raises:
        ConfigError: Settings of the test are missing.
    """
    missing = [key for key in TEST_KEYS if config.get(key) is None]
    if missing:
        raise ConfigError(
            f'{config.filename or "the config"} has nothing to test on: set '
            f'{", ".join(missing)}, as the configs in configs/joint do'
        )


def metric_configs(config: Config) -> Iterator[Any]:
    """Find our metric among the evaluators of a test.

    Args:
        config: Its ``test_evaluator`` is one metric, a list, or an evaluator with ``metrics``.

    Yields:
        The metric's part of the config, to be read or changed in place.
    """
    found = config.test_evaluator
    if isinstance(found, dict) and 'metrics' in found:
        found = found.metrics
    for metric in found if isinstance(found, list | tuple) else [found]:
        if str(metric.get('type')).rsplit('.', 1)[-1] == 'PersonSearchMetric':
            yield metric


def write_predictions(config: Config, out: str | Path) -> None:
    """Make our metric write the predictions of the model.

    Args:
        config: Changed in place.
        out: The file, ending in ``.npz``.

    Raises:
        ConfigError: It has another suffix, or nothing in the config can write it.
    """
    if Path(out).suffix != '.npz':
        raise ConfigError(f'--out {out} must end in .npz')
    check_can_write(Path(out))
    metric = next(metric_configs(config), None)
    if metric is None:
        raise ConfigError(
            f'--out {out} is written by mmps.PersonSearchMetric, which test_evaluator does not '
            'have: add it, or leave --out away'
        )
    metric.out = str(out)


def draw_predictions(config: Config, folder: str | Path) -> None:
    """Make mmdet's hook draw the boxes of every tested image.

    Args:
        config: Changed in place.
        folder: Where the images are written; relative to the folder in which the tool was started.
    """
    hooks = config.setdefault('default_hooks', {})
    hook = hooks.get('visualization') or {'type': 'DetVisualizationHook'}
    hooks['visualization'] = {**hook, 'draw': True, 'test_out_dir': str(Path(folder).resolve())}


def keep_details_beside(config: Config, checkpoint: str | Path) -> CheckpointTest | None:
    """Make our metric write ``queries.csv`` and ``calibration.json`` beside a checkpoint.

    They go to a folder of this checkpoint and this config. A folder that the config names itself,
    a checkpoint from the network and a folder that cannot be written are left alone.

    Args:
        config: Changed in place.
        checkpoint: Checkpoint of the model.

    Returns:
        What is to be told of the test, before and after it, if anything is written.
    """
    checkpoint, metric = str(checkpoint), next(metric_configs(config), None)
    path = Path(checkpoint).resolve()
    if metric is None or 'details' in metric or '://' in checkpoint:
        return None
    if not os.access(path.parent, os.W_OK):
        return None
    tested = CheckpointTest(path, Path(config.filename or 'config').stem, _ann_file(config, metric))
    metric.details = str(tested.folder)
    return tested


def _ann_file(config: Config, metric: Any) -> str:
    """Return the metric's annotation file, as the config writes it; otherwise the data set's."""
    if metric.get('ann_file') is not None:
        return str(metric.ann_file)
    dataset = config.get('test_dataloader', {}).get('dataset') or {}
    return os.path.join(dataset.get('data_root') or '', str(dataset.get('ann_file')))
