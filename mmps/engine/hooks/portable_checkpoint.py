from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmps.checkpoints.portable import make_portable, restore
from mmps.registry import HOOKS


@HOOKS.register_module()
class PortableCheckpointHook(Hook):
    """Lets checkpoints be read by stock ``torch.load``, and so by mmdet's inference API and tools.

    MMEngine's own hold objects, which torch refuses where ``mmps`` was not imported. Runs resume
    from either kind.
    """

    priority = 'LOWEST'
    """So that it comes after hooks that add to a checkpoint."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Turn what is no tensor into plain data."""
        make_portable(checkpoint)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Turn it back."""
        restore(checkpoint)
