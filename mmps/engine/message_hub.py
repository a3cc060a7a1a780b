"""What a run keeps of its past in MMEngine's message hub."""

from __future__ import annotations

from mmengine.logging import MessageHub
from mmengine.runner import Runner

LONGEST_HISTORY = 10_000
"""Values kept of a logged number, where an epoch has fewer batches.

MMEngine copies a number's whole history in every iteration: 2 ms at its own bound of a million,
for each number, and as much in every checkpoint.
"""


def bound_history(hub: MessageHub, epoch_length: int) -> None:
    """Let histories forget what is older than any average that is logged.

    Args:
        hub: Of the run.
        epoch_length: Batches in an epoch, over which some averages run.
    """
    for buffer in hub.log_scalars.values():
        buffer.max_length = max(LONGEST_HISTORY, epoch_length)
        # One that was read from a checkpoint knows none of its averages until another is made.
        buffer._set_default_statistics()


def forget_phase(runner: Runner) -> None:
    """Take the losses of the phase behind out of the log, its iterations out of the time estimate.

    Args:
        runner: At the switch.
    """
    hub = runner.message_hub
    for key in [k for k in hub.log_scalars if k.startswith('train/')]:
        hub._log_scalars.pop(key)
        hub._resumed_keys.pop(key, None)
    for hook in runner.hooks:
        if hasattr(hook, 'time_sec_tot'):
            hook.time_sec_tot, hook.start_iter = 0, runner.iter
