from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmps.checkpoints.portable import make_portable, restore
from mmps.registry import HOOKS


@HOOKS.register_module()
class PortableCheckpointHook(Hook):
    """Writes checkpoints that stock ``torch.load``, mmdet's inference API and tools can read.

    MMEngine's own checkpoints contain objects, which torch rejects unless ``mmps`` was imported.
    Runs resume from both kinds.
    """

    priority = 'LOWEST'
    """Low, so that it runs after hooks that add to a checkpoint."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Convert objects that are not tensors to plain data."""
        make_portable(checkpoint)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Convert plain data back to objects."""
        restore(checkpoint)
