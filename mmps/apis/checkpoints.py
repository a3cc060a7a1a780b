"""Checkpoints that are given by hand: looked at before anything is built, told in one sentence."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from mmps.engine.publishing import read_restricted
from mmps.structures import ConfigError


def check_checkpoint(path: str | Path, resume: bool = False) -> None:
    """Refuse a file that MMEngine would stumble over, or load nothing from.

    What lies in the network is left to MMEngine.

    Args:
        path: Of a training, of a plain detector, or bare weights.
        resume: Whether a training goes on from it.

    Raises:
        UserError: It is missing, cut short, no checkpoint, or does not hold what is needed.
    """
    if '://' in str(path):
        return
    cure = 'resume from another one' if resume else 'train or download it again'
    content = read_restricted(path, cure)
    weights = content.get('state_dict', content) if isinstance(content, dict) else None
    if not (isinstance(weights, dict) and any(isinstance(w, Tensor) for w in weights.values())):
        raise ConfigError(f'{path} holds no weights; give a checkpoint, such as epoch_52.pth')
    meta = content.get('meta')
    if resume and not (isinstance(meta, dict) and 'epoch' in meta and 'iter' in meta):
        raise ConfigError(
            f'{path} holds weights without the state of a training: resume from an epoch_*.pth, '
            'or begin from it with --cfg-options load_from=FILE'
        )
