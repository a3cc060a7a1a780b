"""Random numbers as a function of (seed, epoch), so that a resumed run draws what it would have.

Random states are not saved, because a checkpoint is written by one rank, and validation must not
affect the random numbers of training.
"""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import torch
from mmengine.dataset import worker_init_fn
from mmengine.dist import get_rank
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import DataLoader


def shared_seed(runner: Runner) -> int:
    """Return the seed that all ranks share, for what they draw together.

    With ``randomness.diff_rank_seed`` a runner's own seed has its rank added to it.

    Args:
        runner: Runner of this rank.
    """
    return runner.seed - (get_rank() if runner._randomness_cfg.get('diff_rank_seed') else 0)


def check_workers(loader: DataLoader) -> None:
    """Warn if loading processes are configured to persist, because they restart in each epoch.

    Args:
        loader: Data loader of phase 1.
    """
    if loader.persistent_workers:
        MMLogger.get_current_instance().warning(
            'train_dataloader.persistent_workers=True has no effect with TwoPhaseHook: processes '
            'that load images start again in each epoch, so that their random numbers follow from '
            'its number'
        )


def seed_epoch(seed: int, epoch: int, loader: DataLoader) -> None:
    """Seed this process, and the loader's workers, for one epoch.

    Args:
        seed: Seed of the run.
        epoch: Number of the epoch that begins.
        loader: Data loader of that epoch; its workers start again.
    """
    epoch_seed = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]) % 2**31
    random.seed(epoch_seed)
    np.random.seed(epoch_seed)
    torch.manual_seed(epoch_seed)
    loader._iterator = None
    if loader.num_workers:
        loader.worker_init_fn = partial(
            worker_init_fn, num_workers=loader.num_workers, rank=get_rank(), seed=epoch_seed
        )
