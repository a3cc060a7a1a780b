"""A checkpoint made ready to be given away: weights and plain text, nothing that runs."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import Tensor

from mmps.checkpoints import read_restricted, weights_of
from mmps.checkpoints.loss_state import is_loss_state
from mmps.checkpoints.notes import find_calibration
from mmps.checkpoints.resuming import BRANCH_KEY, PHASE_KEY, mark_branch
from mmps.files import write_atomically
from mmps.structures import ConfigError
from mmps.version import __version__


def publish(checkpoint: str | Path, out_dir: str | Path) -> Path:
    """Write a slim copy of a checkpoint that stock ``torch.load(weights_only=True)`` reads.

    Beside the weights it has ``meta``: ``cfg`` (the config's text), ``dataset_meta``, ``epoch``,
    ``iter``, versions, and ``calibration`` where ``tools/test.py`` tested exactly these weights on
    the test set of their own config; one that does not fit is left out with a warning. Optimizer,
    schedules, logs, tables of losses and the weights outside an average are left out. The same
    checkpoint gives the same bytes.

    Args:
        checkpoint: Checkpoint of a training.
        out_dir: Existing or new folder.

    Returns:
        ``<folder>_<checkpoint>-<hash>.pth``, the first eight digits of the file's SHA-256.

    Raises:
        UserError: The file is missing, or no checkpoint that can be read safely; or ``out_dir`` is
            a file.
    """
    checkpoint, out_dir = Path(checkpoint).resolve(), Path(out_dir)
    content = read(checkpoint)
    if out_dir.exists() and not out_dir.is_dir():
        raise ConfigError(f'{out_dir} is a file; give the folder to publish to')
    content = slim(content, fitting_calibration(checkpoint, content))
    buffer = io.BytesIO()
    torch.save(content, buffer)
    data = buffer.getvalue()
    name = f'{checkpoint.parent.name}_{checkpoint.stem}-{hashlib.sha256(data).hexdigest()[:8]}.pth'
    path = out_dir / name
    write_atomically(path, data)
    return path


def read(checkpoint: Path) -> dict[str, Any]:
    """Read a checkpoint of a training.

    Returns:
        What it holds; ``meta`` is a dictionary.

    Raises:
        UserError: The file is missing, truncated, not a checkpoint, or contains more than data.
    """
    content = read_restricted(checkpoint)
    weights_of(content, checkpoint)
    if 'state_dict' not in content:
        raise ConfigError(f'{checkpoint} has no `state_dict`: it is no checkpoint of a training')
    meta = content.get('meta')
    return {**content, 'meta': meta if isinstance(meta, dict) else {}}


def fitting_calibration(checkpoint: Path, content: dict[str, Any]) -> dict[str, Any] | None:
    """Take the calibration that a test left, if it is of these weights; warn of others.

    Args:
        checkpoint: File of the checkpoint.
        content: Content of the file.

    Raises:
        UserError: A file of the test is broken.
    """
    calibration, reasons = find_calibration(checkpoint, str(content['meta'].get('cfg', '')))
    if reasons:
        MMLogger.get_current_instance().warning(
            '%s is published without calibration: %s; run tools/test.py on it with the config that '
            'it was trained with', checkpoint.name, ', '.join(reasons)
        )  # fmt: skip
    return calibration


def slim(checkpoint: dict[str, Any], calibration: dict[str, Any] | None) -> dict[str, Any]:
    """Keep weights and what is needed to use them, as tensors and plain data.

    Args:
        checkpoint: As MMEngine saves it.
        calibration: As :meth:`mmps.evaluation.calibration.Calibration.summary` gives it.
    """
    meta = checkpoint['meta']
    kept = {
        key: plain(meta[key])
        for key in ('cfg', 'dataset_meta', 'epoch', 'iter', PHASE_KEY, BRANCH_KEY)
        if key in meta
    }
    kept |= {'mmps_version': __version__, 'mmengine_version': meta.get('mmengine_version')}
    if calibration is not None:
        kept['calibration'] = calibration
    weights = checkpoint['state_dict']
    slimmed = {
        'meta': kept,
        # Cloned, for a view would take its whole storage along.
        'state_dict': {
            name: weight.detach().clone()
            for name, weight in weights.items()
            if isinstance(weight, Tensor) and not is_loss_state(name)
        },
    }
    mark_branch(slimmed)
    return slimmed


def plain(value: Any) -> Any:
    """Turn arrays and foreign containers into lists, dicts, numbers and text."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
