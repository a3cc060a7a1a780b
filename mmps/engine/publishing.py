"""A checkpoint made ready to be given away: weights and plain text, nothing that runs."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import Tensor

from mmps.files import write_atomically
from mmps.structures import UserError
from mmps.version import __version__

from .checkpoints import is_whole
from .tested import find_calibration


def publish(checkpoint: str | Path, out_dir: str | Path) -> Path:
    """Write a slim copy of a checkpoint that stock ``torch.load(weights_only=True)`` reads.

    Beside the weights it has ``meta``: ``cfg`` (the config's text), ``dataset_meta``, ``epoch``,
    ``iter``, versions, and ``calibration`` where ``tools/test.py`` tested exactly these weights on
    the test set of their own config; one that does not fit is left out with a warning. Optimizer,
    schedules, logs and the weights outside an average are left out. The same checkpoint gives the
    same bytes.

    Args:
        checkpoint: Of a training.
        out_dir: Existing or new folder.

    Returns:
        ``<folder>_<checkpoint>-<hash>.pth``, the first eight digits of the file's SHA-256.

    Raises:
        UserError: The file is missing, or no checkpoint that can be read safely.
    """
    checkpoint = Path(checkpoint).resolve()
    content = read(checkpoint)
    content = slim(content, fitting_calibration(checkpoint, content))
    buffer = io.BytesIO()
    torch.save(content, buffer)
    data = buffer.getvalue()
    name = f'{checkpoint.parent.name}_{checkpoint.stem}-{hashlib.sha256(data).hexdigest()[:8]}.pth'
    path = Path(out_dir) / name
    write_atomically(path, data)
    return path


def read(checkpoint: Path) -> dict[str, Any]:
    """Read a checkpoint of a training.

    Raises:
        UserError: It is none, missing, cut short, or asks for more than data.
    """
    content = read_restricted(checkpoint)
    if not isinstance(content, dict) or not isinstance(content.get('state_dict'), dict):
        raise UserError(f'{checkpoint} has no `state_dict`: it is no checkpoint of a training')
    return content


def read_restricted(path: str | Path, cure: str = 'train or download it again') -> Any:
    """Read a file with torch's restricted unpickler, having checked its records.

    Args:
        path: Of any content; weights stay on disk until they are used, where the format allows it.
        cure: What is to be done about a file that cannot be read.

    Raises:
        UserError: It is missing, cut short, or asks for more than data.
    """
    path = Path(path)
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'does not exist'
        raise UserError(f'{path} {what}; give a checkpoint, such as epoch_52.pth')
    try:
        # Torch reads on over a record with wrong bytes. Old files are no archives of records.
        records = zipfile.is_zipfile(path)
        if not records or is_whole(path):
            return torch.load(str(path), map_location='cpu', weights_only=True, mmap=records)
        reason = 'a record in it is damaged'
    except Exception as error:  # whatever a broken or crafted file provokes
        reason = _reason(error)
    raise UserError(f'{path} cannot be read as a checkpoint; {cure} ({reason})')


def _reason(error: Exception) -> str:
    """Say in plain words why torch refused a file; it may advise to lift the restriction."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    wanted = re.search(r'GLOBAL ([\w.]+)', str(error))
    if wanted:
        return f'it asks for {wanted[1]}, which is more than data'
    return 'it is cut short, or of another kind'


def fitting_calibration(checkpoint: Path, content: dict[str, Any]) -> dict[str, Any] | None:
    """Take the calibration that a test left, if it is of these weights; warn of others.

    Args:
        checkpoint: Its file.
        content: What it holds.

    Raises:
        UserError: A file of the test is broken.
    """
    calibration, reasons = find_calibration(checkpoint, str(content.get('meta', {}).get('cfg', '')))
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
    meta = checkpoint.get('meta', {})
    kept = {
        key: plain(meta[key]) for key in ('cfg', 'dataset_meta', 'epoch', 'iter') if key in meta
    }
    kept |= {'mmps_version': __version__, 'mmengine_version': meta.get('mmengine_version')}
    if calibration is not None:
        kept['calibration'] = calibration
    weights = checkpoint['state_dict']
    return {
        'meta': kept,
        # Cloned, for a view would take its whole storage along.
        'state_dict': {k: v.detach().clone() for k, v in weights.items() if isinstance(v, Tensor)},
    }


def plain(value: Any) -> Any:
    """Turn arrays and foreign containers into lists, dicts, numbers and text."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
