from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.logging import MMLogger
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from mmps.checkpoints.atomic_backend import ATOMIC_BACKEND
from mmps.checkpoints.loss_state import check_loss_state, drop_loss_state
from mmps.checkpoints.origin import begin_branch, check_features
from mmps.checkpoints.resuming import (
    BRANCH_KEY,
    PHASE_KEY,
    check_resumable,
    choose_checkpoint,
    mark_branch,
    save_detector,
)
from mmps.engine.accumulation import count_from_zero
from mmps.engine.batch_statistics import average_over_ranks
from mmps.engine.checks import (
    check_cache_dtype,
    check_originals,
    check_run,
    check_watched,
)
from mmps.engine.learning import check_learning
from mmps.engine.message_hub import bound_history, forget_phase
from mmps.engine.model_wrapper import bare_model, wrap_again
from mmps.engine.optimizing import (
    fit_detection_schedule,
    reid_optim_wrapper,
    schedule_of_phase,
)
from mmps.engine.phases import LENGTHS_KEY, Phases, check_lengths
from mmps.engine.reid_batches import check_mining, check_triplets, check_unlabelled
from mmps.engine.reid_losses import enter_stage, install_losses
from mmps.engine.reproducible import check_workers, seed_epoch, shared_seed
from mmps.features import CachedPeople, FeatureCache, pooled_shards
from mmps.features.pooled_features import PooledFeatures
from mmps.registry import DATA_SAMPLERS, HOOKS


@HOOKS.register_module()
class TwoPhaseHook(Hook):
    """Trains the detector, caches pooled features, then trains the re-ID branch on them.

    One hook on MMEngine's own runner and epoch loop. Epochs are numbered through: the first
    ``detection_epochs`` are phase 1 and use the config's ``train_dataloader``, ``optim_wrapper``
    and ``param_scheduler``; those of ``stages`` follow with the settings of this hook, with
    schedulers that count from 0, on the people of the config's ``cached_people`` (settings of
    :class:`mmps.features.CachedPeople`). Loesch et al., section 2, "Two-step training".

    The state of a run follows only from the checkpoint's phase and epoch, and random numbers from
    (seed, epoch): a killed run resumes to the same weights as an uninterrupted one.

    Args:
        detection_epochs: Length of phase 1.
        stages: Phase 2 as a list of ``dict(epochs=..., loss=...)``.
        batches: Config of the batch sampler of phase 2.
        optim_wrapper: Config for phase 2, applied only to the re-ID branch.
        param_scheduler: Configs for phase 2, by default over all its stages.
        start: ``'detection'``, or ``'reid'`` to start at phase 2 with the detector of
            ``load_from``; a re-ID branch in ``load_from`` is kept in both cases.
        cache_dir: Folder of feature caches, which runs may share; by default in the work directory.
        cache_dtype: A key of ``mmps.features.cache.DTYPES``.
        storage: Where phase 2 keeps features, see :class:`PooledFeatures`.

    Raises:
        ConfigError: A setting is invalid.
    """

    priority = 'HIGHEST'

    def __init__(
        self,
        detection_epochs: int,
        stages: Sequence[dict],
        batches: dict,
        optim_wrapper: dict,
        param_scheduler: Sequence[dict] = (),
        start: str = 'detection',
        cache_dir: str | None = None,
        cache_dtype: str = 'float16',
        storage: str = 'disk',
    ) -> None:
        self.phases = Phases(detection_epochs, tuple(stages), start)
        self.batches = batches
        self.optim_wrapper, self.param_scheduler = optim_wrapper, list(param_scheduler)
        self.cache_dir, self.cache_dtype, self.storage = cache_dir, cache_dtype, storage
        self.phase = 'detection'
        self._lengths: dict[str, dict] | None = None

    # The moments at which MMEngine calls, in order.

    def before_run(self, runner: Runner) -> None:
        """Check the config, prepare both phases, choose the checkpoint to resume from."""
        if not _is_training(runner):
            return
        check_run(runner, self.phases, self.optim_wrapper)
        check_workers(runner.train_dataloader)
        choose_checkpoint(runner, self.phases.start, self.phases.detection_epochs)
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook) and hook.backend_args is None:
                hook.backend_args = {'backend': ATOMIC_BACKEND}
        self.people = CachedPeople(**runner.cfg.cached_people)
        self.sampler = DATA_SAMPLERS.build(
            {**self.batches, 'person_ids': self.people.person_ids, 'seed': shared_seed(runner)}
        )
        if self.phases.train_detector:
            fit_detection_schedule(runner, self.phases.detection_epochs)
        self._reid_schedulers()
        model = bare_model(runner)
        losses = [stage['loss'] for stage in self.phases.stages]
        install_losses(model, self.people.identities, losses)
        self._set_phase(runner, 'detection')
        check_cache_dtype(self.cache_dtype, model)
        check_triplets(self.sampler, model.reid_branch.head.losses)
        check_mining(self.sampler, model.reid_branch.head)
        check_originals(runner, model, self.people)
        check_unlabelled(self.people.all_boxes, self.sampler, model.reid_branch.head.losses)
        self._lengths = self.phases.lengths(len(runner.train_dataloader), len(self.sampler))
        self._set_length(runner, epoch=0, iteration=0)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Record if its branch is trained; when resuming, enter its phase before the optimizer."""
        mark_branch(checkpoint)
        if not _is_training(runner):
            return
        if not runner._resume:
            drop_loss_state(checkpoint)
            return
        meta = checkpoint['meta']
        phase = check_resumable(
            checkpoint, runner._load_from, self.phases.detection_epochs, self.phases.start
        )
        check_lengths(checkpoint, runner._load_from, phase, self._lengths)
        self._set_length(runner, meta['epoch'], meta['iter'])
        if phase == 'reid':
            check_loss_state(checkpoint, runner._load_from, bare_model(runner))
            self._enter_reid(runner)

    def before_train(self, runner: Runner) -> None:
        """Skip phase 1 if configured; use the seed of the run that is resumed."""
        self.sampler.seed = shared_seed(runner)
        if self.phase == 'detection' and 'seed' not in runner.cfg.train_dataloader.sampler:
            # A batch sampler of its own, such as AspectRatioBatchSampler, holds the one that draws.
            runner.train_dataloader.batch_sampler.sampler.seed = self.sampler.seed
        if self.phase == 'detection' and self.phases.train_detector:
            check_learning(runner)
        elif self.phase == 'detection':
            check_features(bare_model(runner))
        if self.phases.start == 'reid' and runner.epoch < self.phases.detection_epochs:
            loop = runner.train_loop
            loop._epoch = self.phases.detection_epochs
            self._set_length(runner, loop._epoch, loop._iter)

    def before_train_epoch(self, runner: Runner) -> None:
        """Switch phases when it is time; seed every epoch."""
        if runner.epoch >= self.phases.detection_epochs:
            if self.phase == 'detection':
                self._switch(runner)
            self._open_features(runner)
            if enter_stage(bare_model(runner), self.phases.stage(runner.epoch)):
                self._set_phase(runner, 'reid')
        count_from_zero(runner.optim_wrapper, len(runner.train_dataloader))
        bound_history(runner.message_hub, len(runner.train_dataloader))
        seed_epoch(runner.seed, runner.epoch, runner.train_dataloader)

    def after_train_epoch(self, runner: Runner) -> None:
        """Average the statistics of batch normalisation over ranks: a checkpoint has one copy."""
        average_over_ranks(bare_model(runner), [average.module for average in _averages(runner)])

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Reject hooks that watch a metric that was not reported, before they fail."""
        if _is_training(runner):
            check_watched(runner.hooks, metrics)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Record the phase, the lengths of both phases, and whether the branch is trained."""
        trained = self.phase == 'reid' or bare_model(runner).origin.branch_trained
        checkpoint['meta'].update(
            {PHASE_KEY: self.phase, LENGTHS_KEY: self._lengths, BRANCH_KEY: trained}
        )
        mark_branch(checkpoint)

    # What these moments do.

    def _set_length(self, runner: Runner, epoch: int, iteration: int) -> None:
        runner.train_loop._max_iters = iteration + self.phases.iterations_from(
            epoch, len(runner.train_dataloader), len(self.sampler)
        )

    def _set_phase(self, runner: Runner, phase: str) -> None:
        self.phase = phase
        bare_model(runner).set_phase(phase)
        wrap_again(runner)

    def _enter_reid(self, runner: Runner) -> None:
        self._set_phase(runner, 'reid')
        runner.train_dataloader._iterator = None
        dataset = PooledFeatures(
            self.people.person_ids, runner.train_dataloader.dataset.metainfo, self.storage
        )
        runner.train_loop.dataloader = DataLoader(
            dataset, batch_sampler=self.sampler, collate_fn=_as_it_is
        )
        runner.optim_wrapper = reid_optim_wrapper(
            runner, bare_model(runner).reid_branch, self.optim_wrapper,
            self.sampler.identities * self.sampler.shots,
        )  # fmt: skip
        schedulers = self._reid_schedulers()
        runner.param_schedulers = runner.build_param_scheduler(schedulers) if schedulers else []

    def _reid_schedulers(self) -> list[dict]:
        return schedule_of_phase(
            'two_phase.param_scheduler',
            self.param_scheduler,
            self.phases.reid_epochs,
            len(self.sampler),
        )

    def _switch(self, runner: Runner) -> None:
        model = bare_model(runner)
        averages = _averages(runner)
        weights = model.state_dict()
        for average in averages:
            for name, weight in average.module.state_dict().items():
                weights[name].copy_(weight)
        if self.phases.start == 'detection':
            save_detector(model, Path(runner.work_dir))
        begin_branch(model)
        self._enter_reid(runner)
        for average in averages:
            average.steps.zero_()  # the average of the branch begins with its first step
        forget_phase(runner)
        MMLogger.get_current_instance().info(
            'Phase 2: %d identities, %d boxes, %d batches an epoch, %d epochs',
            len(self.people.original_ids), len(self.people), len(self.sampler),
            self.phases.reid_epochs,
        )  # fmt: skip

    def _open_features(self, runner: Runner) -> None:
        dataset = runner.train_dataloader.dataset
        if dataset.shards is not None:
            return
        model = bare_model(runner)
        root = self.cache_dir or Path(runner.work_dir) / 'feature_cache'
        cache = FeatureCache(
            root,
            self.people,
            model.feature_fingerprint(),
            model.pooled_shape,
            self.cache_dtype,
            setting='`default_hooks.two_phase.cache_dir`',
        )
        cache.fill(lambda shards: pooled_shards(model, self.people, shards))
        dataset.open(cache.open(), next(model.parameters()).device)


def _is_training(runner: Runner) -> bool:
    return isinstance(runner._train_loop, BaseLoop)


def _averages(runner: Runner) -> list[Any]:
    return [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]


def _as_it_is(batch: Any) -> Any:
    return batch
