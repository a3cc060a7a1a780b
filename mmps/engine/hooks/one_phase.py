from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner

from mmps.checkpoints.loss_state import check_loss_state, drop_loss_state
from mmps.engine.learning import check_learning
from mmps.engine.model_wrapper import bare_model
from mmps.engine.reid_losses import has_joint_objective, number_identities, reset_losses
from mmps.engine.reproducible import seed_epoch
from mmps.registry import HOOKS


@HOOKS.register_module(name=['OnePhaseHook', 'CheckLearningHook'])
class OnePhaseHook(Hook):
    """Prepares training in one phase, as :class:`TwoPhaseHook` does in two.

    Training that could not learn is rejected before the first batch. For the joint objective, the
    identities of the training set are numbered, losses that ask for their number are built, and
    each epoch draws by (seed, epoch), so that a killed run resumes exactly.

    ``tools/train.py`` adds it to configs without :class:`TwoPhaseHook`. ``CheckLearningHook`` is
    its name in the configs of earlier runs.
    """

    priority = 'HIGHEST'

    def before_run(self, runner: Runner) -> None:
        """Number identities, before averages and checkpoints read the model's weights."""
        if _trains(runner):
            number_identities(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Reset the losses, unless a run is resumed."""
        if not _trains(runner):
            return
        if runner._resume:
            check_loss_state(checkpoint, runner._load_from, bare_model(runner))
        else:
            drop_loss_state(checkpoint)

    def before_train(self, runner: Runner) -> None:
        """Check the model and the data.

        Raises:
            ConfigError: Something would not learn; the message states what, and what to set.
        """
        check_learning(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Reset the state of losses that ends with an epoch; seed the epoch."""
        if _trains(runner):
            reset_losses(bare_model(runner))
            if isinstance(runner.train_loop, EpochBasedTrainLoop):
                seed_epoch(runner.seed, runner.epoch, runner.train_dataloader)


def _trains(runner: Runner) -> bool:
    """Check whether a run trains the joint objective."""
    return isinstance(runner._train_loop, BaseLoop) and has_joint_objective(bare_model(runner))
