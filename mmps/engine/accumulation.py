"""Gradients accumulated over several batches, which end with the epoch: a checkpoint has none."""

from __future__ import annotations

from mmengine.optim import OptimWrapper, OptimWrapperDict


def count_from_zero(optim_wrapper: OptimWrapper | OptimWrapperDict, batches: int) -> None:
    """Make an epoch's first batch start an optimizer step, and its last batch finish one.

    MMEngine counts batches over the whole run, so gradients remain at the end of an epoch whose
    number of batches is not a multiple of ``accumulative_counts``. Here the remaining batches make
    a step of their own, just as the last batch of an epoch may have fewer images.

    Args:
        optim_wrapper: Optimizer wrapper of the phase; changed in place.
        batches: Number of batches in the epoch that begins.
    """
    several = isinstance(optim_wrapper, OptimWrapperDict)
    for wrapper in optim_wrapper.values() if several else [optim_wrapper]:
        # What initialize_count_status sets, without its warnings in each epoch.
        wrapper._inner_count, wrapper._max_counts = 0, batches
        wrapper._remainder_counts = batches % wrapper._accumulative_counts
