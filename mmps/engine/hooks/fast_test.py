from __future__ import annotations

import copy

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmps.models.inference import prepare
from mmps.registry import HOOKS


@HOOKS.register_module()
class FastTestHook(Hook):
    """Lets a copy of the model, prepared for prediction, do the work of a test.

    Batch normalisation is folded, memory is laid out as it is fastest on the device, and on a CPU
    NNPACK computes large maps (:func:`mmps.models.inference.prepare`). Results are equal up to
    rounding. For person-search models and any mmdet detector.

    Args:
        compile: Whether the copy is compiled as well, which takes minutes at first.
    """

    priority = 'VERY_LOW'
    """So that it comes after hooks that exchange weights, such as ``EMAHook``."""

    def __init__(self, compile: bool = False) -> None:
        self.compile = compile

    def before_test_epoch(self, runner: Runner) -> None:
        """Put the copy in the model's place."""
        self._model = runner.model
        model = self._model.module if is_model_wrapper(self._model) else self._model
        runner.model = copy.deepcopy(model).eval()
        prepare(runner.model, compile=self.compile)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put the model back.

        Args:
            runner: Of the test.
            metrics: Its results.
        """
        runner.model = self._model
        del self._model
