"""Checks of a two-phase run before it computes anything; each error is one sentence."""

from __future__ import annotations

from bisect import bisect
from typing import TYPE_CHECKING, Any

from mmengine.config import Config
from mmengine.device import is_cuda_available, is_mlu_available, is_musa_available, is_npu_available
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.logging import MMLogger
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmps.features.cache import DTYPES
from mmps.structures import ConfigError
from mmps.structures.originals import HOW_TO_KEEP

from .input_sizes import warn_of_sizes
from .phases import Phases

if TYPE_CHECKING:
    from mmps.features import CachedPeople

DETECTION_METRICS = 'det/'
"""Prefix of the numbers that :class:`mmps.evaluation.PersonSearchMetric` reports in phase 1 too."""

RENAMED_KEYS = {'reid_dataloader': 'cached_people'}
"""Former names of top-level keys of a config, and their present names."""


def check_renamed_keys(config: Config) -> None:
    """Reject a top-level key under its name in earlier versions.

    Raises:
        ConfigError: There is such a key; the message states its present name.
    """
    for old, new in RENAMED_KEYS.items():
        if old in config:
            name = config.filename or 'the config'
            raise ConfigError(f'{name}: the key `{old}` was renamed: call it `{new}`')


def check_run(runner: Runner, phases: Phases, reid_optim_wrapper: dict[str, Any]) -> None:
    """Check everything that a run's config determines.

    Args:
        runner: Runner whose loops are built.
        phases: Phases of the run.
        reid_optim_wrapper: Config of the optimizer wrapper of phase 2.

    Raises:
        ConfigError: A setting is invalid; the message states what to set.
    """
    check_renamed_keys(runner.cfg)
    _check_length(runner, phases)
    check_amp(runner.cfg.optim_wrapper, reid_optim_wrapper)
    if not runner.cfg.get('cached_people'):
        raise ConfigError(
            'the config has no `cached_people`: it names the data set with identities that '
            'phase 2 learns from (see configs/_base_/datasets)'
        )
    warn_of_sizes(runner.cfg)
    if phases.start == 'reid' and not (runner._load_from or runner._resume):
        raise ConfigError(
            "two_phase.start='reid' needs a trained detector: set `load_from` to its checkpoint"
        )
    if phases.start == 'reid' and '://' in str(runner._load_from):
        MMLogger.get_current_instance().warning(
            "two_phase.start='reid' uses %s of `load_from` as the finished detector: if it is only "
            'the start of phase 1, set `load_from` to the detector.pth of phase 1',
            runner._load_from,
        )
    if runner.cfg.get('compile'):
        raise ConfigError(
            'compile is set, but what a two-phase model computes changes at the switch, which '
            'torch.compile was not shown to survive: leave it out'
        )
    reid_lr_factor(runner.auto_scale_lr, 1)
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            _check_checkpoints(hook)
            _check_best(runner, phases, hook)
        if isinstance(hook, EarlyStoppingHook):
            _check_early_stopping(runner, phases, hook)


def _check_length(runner: Runner, phases: Phases) -> None:
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        raise ConfigError('TwoPhaseHook needs train_cfg.type=EpochBasedTrainLoop')
    if runner.max_epochs != phases.epochs:
        raise ConfigError(
            f'train_cfg.max_epochs={runner.max_epochs}, but the phases add up to {phases.epochs} '
            f'({phases.detection_epochs} of detection and {phases.reid_epochs} of re-ID): set it '
            f'to {phases.epochs}'
        )


def check_amp(*optim_wrappers: dict[str, Any]) -> None:
    """Reject mixed precision if there is no accelerator.

    Args:
        *optim_wrappers: Configs of optimizer wrappers.

    Raises:
        ConfigError: One of them uses mixed precision.
    """
    wanted = any(str(config.get('type')).endswith('AmpOptimWrapper') for config in optim_wrappers)
    available = (is_cuda_available, is_npu_available, is_mlu_available, is_musa_available)
    if wanted and not any(is_available() for is_available in available):
        raise ConfigError(
            'mixed precision (--amp, AmpOptimWrapper) needs a GPU, and there is none: train '
            'without it'
        )


def check_cache_dtype(dtype: str, model: Any) -> None:
    """Reject a data type of the cache that cannot represent the features.

    Args:
        dtype: Data type of the cache.
        model: A person-search model.

    Raises:
        ConfigError: The type is unknown, or one of pixels while the model has features.
    """
    name = 'default_hooks.two_phase.cache_dtype'
    if dtype not in DTYPES:
        raise ConfigError(f'{name}={dtype!r} must be one of {", ".join(DTYPES)}')
    if dtype == 'uint8' and model.source.later_stages is not None:
        raise ConfigError(
            f"{name}='uint8' holds the pixels of mmps.DisjointDetector, but would round the "
            f'features of {type(model).__name__} to whole numbers: leave it at float16'
        )


def check_originals(runner: Runner, model: Any, people: CachedPeople) -> None:
    """Reject pipelines that drop the original images that a model pools from.

    Args:
        runner: Runner whose validation loop is built.
        model: A person-search model; one that pools the network's input needs nothing.
        people: The people of phase 2.

    Raises:
        ConfigError: The pipeline of phase 2 or of validation drops them.
    """
    looked_at = [('cached_people', people.dataset, index) for index in people.images[:1]]
    if runner.val_loop is not None:
        looked_at.append(('val_dataloader', runner.val_loop.dataloader.dataset, 0))
    for name, dataset, index in looked_at if model.source.fields else ():
        sample = dataset[index]['data_samples']
        if any(field not in sample for field in model.source.fields):
            raise ConfigError(
                f'{name}.dataset.pipeline does not keep the original images, from which '
                f'{type(model).__name__} cuts people: {HOW_TO_KEEP}'
            )


def reid_lr_factor(auto_scale_lr: dict[str, Any] | None, batch_size: int) -> float:
    """Return the factor of ``auto_scale_lr`` for phase 2's learning rate.

    Args:
        auto_scale_lr: The config's; ``base_batch_size`` counts phase 1's images, and
            ``reid_base_batch_size`` phase 2's boxes.
        batch_size: Boxes in a batch of phase 2, over all ranks.

    Raises:
        ConfigError: It is enabled, but ``reid_base_batch_size`` is not set.
    """
    if not (auto_scale_lr and auto_scale_lr.get('enable')):
        return 1.0
    base = auto_scale_lr.get('reid_base_batch_size')
    if not base:
        raise ConfigError(
            'auto_scale_lr is on, but does not say for how many boxes in a batch the learning '
            'rate of phase 2 was chosen, which base_batch_size says of images in phase 1: set '
            'auto_scale_lr.reid_base_batch_size (the paper: 32 identities x 4 shots = 128)'
        )
    return batch_size / base


def _check_checkpoints(hook: CheckpointHook) -> None:
    name = 'default_hooks.checkpoint'
    if not hook.by_epoch:
        raise ConfigError(
            f'{name}.by_epoch=False cannot be resumed exactly with an epoch loop: leave it at True'
        )
    if not (hook.save_optimizer and hook.save_param_scheduler):
        raise ConfigError(
            f'{name} leaves out the optimizer or the schedules, without which no run can be '
            'resumed: leave save_optimizer and save_param_scheduler at True'
        )
    if hook.out_dir is not None or hook.filename_tmpl != 'epoch_{}.pth':
        raise ConfigError(
            f'{name}.out_dir or {name}.filename_tmpl is set, but resuming looks for epoch_*.pth in '
            'the work directory: leave both out and choose with --work-dir'
        )
    if hook.max_keep_ckpts == 1:
        MMLogger.get_current_instance().warning(
            '%s.max_keep_ckpts=1: the only checkpoint is deleted before the next one is written, '
            'and a kill in between starts the run again; keep at least 2', name
        )  # fmt: skip


def _check_best(runner: Runner, phases: Phases, hook: CheckpointHook) -> None:
    if not _validates_detection(runner, phases):
        return
    metrics = runner.val_loop.evaluator.metrics
    ours = metrics and all(type(m).__name__ == 'PersonSearchMetric' for m in metrics)
    for key in hook.save_best or ():
        if key != 'auto' and (not ours or key.startswith(DETECTION_METRICS)):
            continue
        fault = (
            'takes the first number of phase 1, which phase 2 does not change'
            if key == 'auto'
            else 'is not there in phase 1, which has no re-ID yet'
        )
        raise ConfigError(
            f'default_hooks.checkpoint.save_best={key!r} {fault}: set train_cfg.val_begin='
            f'{phases.detection_epochs + 1}, or choose a {DETECTION_METRICS}... number with '
            "default_hooks.checkpoint.rule='greater'"
        )


def _check_early_stopping(runner: Runner, phases: Phases, hook: EarlyStoppingHook) -> None:
    if hook.monitor.startswith(DETECTION_METRICS) or _validates_detection(runner, phases):
        raise ConfigError(
            f'EarlyStoppingHook (monitor={hook.monitor!r}) would end the run in phase 1, or on '
            'the detector, which phase 2 does not change: monitor a search number and set '
            f'train_cfg.val_begin={phases.detection_epochs + 1}'
        )


def _validates_detection(runner: Runner, phases: Phases) -> bool:
    loop = runner.train_loop
    if runner.val_loop is None or phases.start == 'reid':
        return False
    for epoch in range(max(loop.val_begin, 1), phases.detection_epochs + 1):
        # As EpochBasedTrainLoop looks it up: under the number of the epoch after.
        step = bisect(loop.dynamic_milestones, epoch + 1)
        if epoch % loop.dynamic_intervals[step - 1] == 0:
            return True
    return False


def check_watched(hooks: list[Hook], metrics: dict[str, float] | None) -> None:
    """Reject hooks that watch a metric that validation does not report.

    Args:
        hooks: Hooks of the runner.
        metrics: Reported metrics by name.

    Raises:
        ConfigError: A checkpoint or early-stopping hook watches such a metric.
    """
    # Without metrics there was no validation, so nothing can be missing.
    for hook in hooks if metrics else ():
        for key in _watched(hook):
            if key != 'auto' and key not in metrics:
                raise ConfigError(
                    f'{type(hook).__name__} watches {key!r}, which validation does not report: '
                    f'choose one of {", ".join(sorted(metrics))}'
                )


def _watched(hook: Hook) -> list[str]:
    if isinstance(hook, CheckpointHook):
        return getattr(hook, 'key_indicators', [])
    return [hook.monitor] if isinstance(hook, EarlyStoppingHook) else []
