"""Gradients of several batches in one step, which end with the epoch, as a checkpoint has none."""

from __future__ import annotations

from mmengine.optim import OptimWrapper, OptimWrapperDict


def count_from_zero(optim_wrapper: OptimWrapper | OptimWrapperDict, batches: int) -> None:
    """Let an epoch's first batch begin a step, and its last one end one.

    MMEngine counts through the whole run, so that gradients are left over at the end of an epoch
    that ``accumulative_counts`` does not divide. Here what is left makes a step of its own, over
    fewer batches, just as the last batch of an epoch may hold fewer images.

    Args:
        optim_wrapper: Of the phase; changed in place.
        batches: In the epoch that begins.
    """
    several = isinstance(optim_wrapper, OptimWrapperDict)
    for wrapper in optim_wrapper.values() if several else [optim_wrapper]:
        # What initialize_count_status sets, without its warnings in each epoch.
        wrapper._inner_count, wrapper._max_counts = 0, batches
        wrapper._remainder_counts = batches % wrapper._accumulative_counts
