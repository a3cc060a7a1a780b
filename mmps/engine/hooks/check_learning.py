from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmps.engine.learning import check_learning
from mmps.registry import HOOKS


@HOOKS.register_module()
class CheckLearningHook(Hook):
    """Refuses, before the first batch, training in one phase that could not learn.

    ``tools/train.py`` adds it to configs without :class:`TwoPhaseHook`, which checks the same.
    """

    def before_train(self, runner: Runner) -> None:
        """Look at the model and the data.

        Raises:
            ConfigError: The message says what would not learn, and what to set.
        """
        check_learning(runner)
