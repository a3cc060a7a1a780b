"""Conversion of a checkpoint's other content to tensors and plain data, and back.

Stock ``torch.load``, mmdet's inference API and its tools refuse MMEngine's own files: its message
hub keeps histories of logged numbers as objects, and some schedules keep a function.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

HISTORY_KEY, ARRAY_KEY = 'mmps_history', 'mmps_array'
"""Only entries of dictionaries that stand for a history, and for an array."""


def make_portable(checkpoint: dict[str, Any]) -> None:
    """Turn a checkpoint's histories, arrays and schedules into tensors and plain data, in place.

    A schedule's functions are left out: the schedule that is built from the config has them.

    Args:
        checkpoint: As MMEngine's runner saves it.
    """
    for part in ('message_hub', 'param_schedulers'):
        if part in checkpoint:
            checkpoint[part] = _portable(checkpoint[part])


def restore(checkpoint: dict[str, Any]) -> None:
    """Turn histories and arrays back into what MMEngine's runner resumes from, in place.

    Args:
        checkpoint: Portable, or as MMEngine itself saves it.
    """
    if 'message_hub' in checkpoint:
        checkpoint['message_hub'] = _restored(checkpoint['message_hub'])


def _portable(value: Any) -> Any:
    if isinstance(value, HistoryBuffer):
        values, counts = (torch.from_numpy(numbers) for numbers in value.data)
        return {HISTORY_KEY: {'values': values, 'counts': counts, 'longest': value.max_length}}
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return {ARRAY_KEY: torch.from_numpy(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items() if not callable(item)}
    if isinstance(value, list | tuple):
        return type(value)(_portable(item) for item in value)
    return value


def _restored(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {HISTORY_KEY}:
        history = value[HISTORY_KEY]
        return HistoryBuffer(
            _array(history['values']), _array(history['counts']), history['longest']
        )
    if value.keys() == {ARRAY_KEY}:
        return _array(value[ARRAY_KEY])
    return {key: _restored(item) for key, item in value.items()}


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
