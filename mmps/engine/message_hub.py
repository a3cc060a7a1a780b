"""The history of a run in MMEngine's message hub."""

from __future__ import annotations

from mmengine.logging import MessageHub
from mmengine.runner import Runner

LONGEST_HISTORY = 10_000
"""Values to keep of a logged number, unless an epoch has more batches.

MMEngine copies a number's whole history in every iteration. At its own limit of a million values
this takes 2 ms for each number, and as much in every checkpoint.
"""


def bound_history(hub: MessageHub, epoch_length: int) -> None:
    """Limit histories to the values that logged averages need.

    Args:
        hub: Message hub of the run.
        epoch_length: Batches in an epoch, the longest window of the averages.
    """
    for buffer in hub.log_scalars.values():
        buffer.max_length = max(LONGEST_HISTORY, epoch_length)
        # A buffer read from a checkpoint has no averaging methods until another buffer is created.
        buffer._set_default_statistics()


def forget_phase(runner: Runner) -> None:
    """Remove the previous phase's losses from the log, and its iterations from the time estimate.

    Args:
        runner: Runner at the switch of phases.
    """
    hub = runner.message_hub
    for key in [k for k in hub.log_scalars if k.startswith('train/')]:
        hub._log_scalars.pop(key)
        hub._resumed_keys.pop(key, None)
    for hook in runner.hooks:
        if hasattr(hook, 'time_sec_tot'):
            hook.time_sec_tot, hook.start_iter = 0, runner.iter
