from __future__ import annotations

from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmps.registry import HOOKS

from .two_phase import TwoPhaseHook


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Shows training as one bar per phase, with epoch, loss and remaining time.

    For a terminal that a person watches; log lines and log files are unchanged.
    """

    priority = 'LOW'

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def before_train_epoch(self, runner: Runner) -> None:
        """Open a bar if there is none, or if the phase has changed."""
        description = self._describe(runner)
        if self._bar is not None and description == self._description:
            return
        self._close()
        self._description = description
        self._bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn('{task.fields[state]}'),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not is_main_process(),
        )
        left = len(runner.train_dataloader) * self._epochs_left(runner)
        self._task = self._bar.add_task(description, total=left, state='')
        self._bar.start()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Advance the bar."""
        loss = f'loss {outputs["loss"].item():.3f}' if outputs and 'loss' in outputs else ''
        state = f'epoch {runner.epoch + 1}/{runner.max_epochs}  {loss}'
        self._bar.update(self._task, advance=1, state=state)

    def after_train_epoch(self, runner: Runner) -> None:
        """Print a line if no bar can be shown, as in a log file."""
        if is_main_process() and not self._bar.console.is_terminal:
            state = self._bar.tasks[self._task].fields['state']
            self._bar.console.print(f'{self._description}: {state}', highlight=False)

    def after_train(self, runner: Runner) -> None:
        """Leave the finished bar on the screen."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    @staticmethod
    def _hook(runner: Runner) -> TwoPhaseHook | None:
        return next((hook for hook in runner.hooks if isinstance(hook, TwoPhaseHook)), None)

    def _describe(self, runner: Runner) -> str:
        hook = self._hook(runner)
        if hook is None:
            return 'Training'
        return {'detection': 'Phase 1, detector', 'reid': 'Phase 2, re-ID'}[hook.phase]

    def _epochs_left(self, runner: Runner) -> int:
        hook = self._hook(runner)
        end = runner.max_epochs
        if hook is not None and hook.phase == 'detection':
            end = hook.phases.detection_epochs
        return end - runner.epoch
