"""MATLAB files whose bytes do not depend on the time of writing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

_HEADER = b'MATLAB 5.0 MAT-file, drawn by mmps'.ljust(116)


def write_mat(path: Path, variables: dict[str, Any]) -> None:
    """Write a MATLAB 5 file without the time of day in its header.

    Args:
        path: The file; its folder is created if it is missing.
        variables: Name and value of each variable, as for ``scipy.io.savemat``.
    """
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_HEADER + buffer.getvalue()[len(_HEADER) :])


def struct_array(rows: list[dict[str, Any]], fields: tuple[str, ...]) -> np.ndarray:
    """Make a 1 x N MATLAB struct array.

    Args:
        rows: One dictionary per element.
        fields: Names of the fields, in the order of the file.

    Returns:
        ``(1, N)`` array with one object field per name.
    """
    array = np.empty((1, len(rows)), dtype=[(name, object) for name in fields])
    for k, row in enumerate(rows):
        array[0, k] = tuple(row[name] for name in fields)
    return array


def cell_column(values: list[Any]) -> np.ndarray:
    """Make an N x 1 MATLAB cell array.

    Args:
        values: The cells.

    Returns:
        ``(N, 1)`` object array.
    """
    cells = np.empty((len(values), 1), dtype=object)
    for k, value in enumerate(values):
        cells[k, 0] = value
    return cells


def smallest_unsigned(values: np.ndarray) -> np.ndarray:
    """Convert whole numbers to MATLAB's smallest type that fits, as in CUHK-SYSU.

    Args:
        values: Whole numbers, at least 0.

    Returns:
        The numbers as uint8 or uint16; sums overflow unless they are converted first.
    """
    return values.astype(np.uint8 if values.max(initial=0) <= 255 else np.uint16)
