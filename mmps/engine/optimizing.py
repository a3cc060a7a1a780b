"""Optimizers and learning rates of both phases, each with schedulers that end with its phase."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from mmps.structures import ConfigError

from .checks import reid_lr_factor

WARM_UPS = ('LinearLR', 'ConstantLR', 'QuadraticWarmupLR')
"""Schedulers that may end early: their last learning rate remains."""


def schedule_of_phase(
    name: str, schedulers: Sequence[dict], epochs: int, batches: int
) -> list[dict[str, Any]]:
    """Make the schedulers of a phase end with it, each in its own unit, epochs or iterations.

    Args:
        name: Their key in the config, for messages.
        schedulers: Their configs; an existing ``end`` is kept.
        epochs: Length of the phase.
        batches: Batches in an epoch.

    Returns:
        Configs that all have an ``end``. The product of a PolyLR of power 1 and a CosineAnnealingLR
        is ``(1 - t / T) (1 + cos(pi t / T)) / 2`` in every iteration t of T.

    Raises:
        ConfigError: A scheduler is written for a phase of another length.
    """
    filled = [
        {'end': epochs if _by_epoch(s) else epochs * batches, **copy.deepcopy(dict(s))}
        for s in schedulers
    ]
    ends = {_last_step(s): s['type'] for s in filled if _by_epoch(s)}
    last = max(ends, default=epochs)
    warms_up = last < epochs and ends[last].split('.')[-1] in WARM_UPS
    if last != epochs and not warms_up:
        raise ConfigError(
            f'{name}: {ends[last]} is written for {last} epochs, but the phase has {epochs}: leave '
            'out its `end`, `T_max` and `total_steps`, which then follow the phase'
        )
    late = [s for s in filled if not _by_epoch(s) and _last_step(s) > epochs * batches]
    for scheduler in late:
        MMLogger.get_current_instance().warning(
            '%s: %s is written for %d iterations, but the phase has %d: it will not reach its '
            'final learning rate; reduce its `end`', name, scheduler['type'],
            _last_step(scheduler), epochs * batches,
        )  # fmt: skip
    return [
        s if 'end' in own or _name(s) != 'PolyLR' else _to_zero_behind_phase(s, batches)
        for s, own in zip(filled, schedulers, strict=True)
    ]


def _to_zero_behind_phase(poly: dict[str, Any], batches: int) -> dict[str, Any]:
    """Make a PolyLR reach zero one step after its phase, as other schedulers do.

    MMEngine's is there in its last step, ``end - 1``, so that the last batch would train nothing.
    """
    if poly.pop('convert_to_iter_based', False):
        poly['by_epoch'] = False
        poly['begin'] = poly.get('begin', 0) * batches
        poly['end'] *= batches
    return {**poly, 'end': poly['end'] + 1}


def _name(config: dict[str, Any]) -> str:
    return config['type'].split('.')[-1]


def _by_epoch(config: dict[str, Any]) -> bool:
    return config.get('by_epoch', True)


def _last_step(config: dict[str, Any]) -> int:
    lengths = (config.get(key) or 0 for key in ('T_max', 'total_steps'))
    return max(config['end'], config.get('begin', 0) + max(lengths))


def fit_detection_schedule(runner: Runner, epochs: int) -> None:
    """Make phase 1's schedulers end with phase 1, while MMEngine ends them with the run.

    Args:
        runner: Runner before training; its optimizer and schedulers are built again if they change.
        epochs: Length of phase 1.

    Raises:
        ConfigError: A scheduler is written for a phase of another length.
    """
    configs = runner.cfg.get('param_scheduler') or []
    configs = configs if isinstance(configs, Sequence) else [configs]
    if not all(
        'type' in config for config in configs
    ):  # several optimizers, each with its own schedulers
        return
    filled = schedule_of_phase('param_scheduler', configs, epochs, len(runner.train_dataloader))
    if filled == configs:
        return
    rebuild_optimizer(runner, filled)


def rebuild_optimizer(runner: Runner, schedulers: Sequence[dict] | dict | None = None) -> None:
    """Build the optimizer and its schedulers again, because weights or schedules have changed.

    Args:
        runner: Runner before training.
        schedulers: Configs; by default those of the runner's config.
    """
    if schedulers is None:
        schedulers = runner.cfg.get('param_scheduler') or []
    # Those that are built have set the rates of their optimizer already.
    runner.optim_wrapper = runner.build_optim_wrapper(runner.cfg.optim_wrapper)
    runner.param_schedulers = schedulers
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    runner.param_schedulers = runner.build_param_scheduler(schedulers)


def reid_optim_wrapper(runner: Runner, branch: Any, config: dict, boxes: int) -> Any:
    """Build the optimizer wrapper of phase 2.

    Args:
        runner: Runner whose optimizer wrapper of phase 1 determines precision and type.
        branch: Re-ID branch that it optimizes.
        config: Config of the optimizer wrapper of phase 2.
        boxes: Boxes in a batch, over all ranks, by which ``auto_scale_lr`` scales.
    """
    inherited = {
        key: runner.cfg.optim_wrapper[key]
        for key in ('type', 'loss_scale', 'dtype')
        if key in runner.cfg.optim_wrapper
    }
    wrapper = build_optim_wrapper(branch, {**inherited, **copy.deepcopy(dict(config))})
    for group in wrapper.optimizer.param_groups:
        group['lr'] *= reid_lr_factor(runner.auto_scale_lr, boxes)
    return wrapper
