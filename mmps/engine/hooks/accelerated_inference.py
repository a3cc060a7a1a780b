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
    """Tests with a copy of the model in which batch normalisation is folded.

    Results are equal up to rounding: parts that would not be equal are not folded, and the log
    lists them.
    For person-search models and any mmdet detector.
    """

    priority = 'VERY_LOW'
    """Low, so that it runs after hooks that exchange weights, such as ``EMAHook``."""

    def before_test_epoch(self, runner: Runner) -> None:
        """Replace the model by the copy."""
        self._model = runner.model
        model = self._model.module if is_model_wrapper(self._model) else self._model
        runner.model = copy.deepcopy(model).eval()
        kept = fold_normalisation(runner.model)
        if kept:
            MMLogger.get_current_instance().warning(
                '--fast leaves the %s unchanged: with normalisation folded into convolutions it '
                'would return other values', ' and the '.join(kept)
            )  # fmt: skip

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Restore the model.

        Args:
            runner: Runner of the test.
            metrics: Results of the test.
        """
        runner.model = self._model
        del self._model
