"""Embeddings as texts that a client keeps, so that a server need not remember uploads."""

from __future__ import annotations

import base64
import binascii

import numpy as np

from mmps.structures import DataError


def write_embedding(vector: np.ndarray) -> str:
    """Write an embedding as base64 of little-endian single-precision numbers.

    Args:
        vector: ``(D,)`` or ``(1, D)``.
    """
    return base64.b64encode(np.ascontiguousarray(vector, dtype='<f4').tobytes()).decode()


def read_embedding(text: str, dimension: int) -> np.ndarray:
    """Read an embedding, and make its length 1.

    Args:
        text: From :func:`write_embedding`.
        dimension: Of the model.

    Returns:
        ``(1, D)``.

    Raises:
        DataError: It is none, or of another model.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError('an embedding is no base64: send it as it came') from None
    if len(data) != 4 * dimension:
        raise DataError(f'an embedding has {len(data)} bytes, expected {4 * dimension}')
    vector = np.frombuffer(data, '<f4').astype(np.float32)[None]
    with np.errstate(over='ignore'):
        length = float(np.linalg.norm(vector))
    if not (np.isfinite(length) and length > 1e-6):
        raise DataError('an embedding holds numbers that are not finite, or zeros alone')
    return vector / length
