from __future__ import annotations

import copy

from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmps.models.inference import fold_normalisation
from mmps.registry import HOOKS


@HOOKS.register_module()
class FastTestHook(Hook):
    """Lets a copy of the model, with batch normalisation folded, do the work of a test.

    Results are equal up to rounding: what would not be equal is not folded, and the log says so.
    For person-search models and any mmdet detector.
    """

    priority = 'VERY_LOW'
    """So that it comes after hooks that exchange weights, such as ``EMAHook``."""

    def before_test_epoch(self, runner: Runner) -> None:
        """Put the copy in the model's place."""
        self._model = runner.model
        model = self._model.module if is_model_wrapper(self._model) else self._model
        runner.model = copy.deepcopy(model).eval()
        kept = fold_normalisation(runner.model)
        if kept:
            MMLogger.get_current_instance().warning(
                '--fast leaves the %s as it is: with normalisation folded into convolutions it '
                'would compute something else', ' and the '.join(kept)
            )  # fmt: skip

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put the model back.

        Args:
            runner: Of the test.
            metrics: Its results.
        """
        runner.model = self._model
        del self._model
