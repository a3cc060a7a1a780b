"""MATLAB files that are the same bytes whenever they are written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

_HEADER = b'MATLAB 5.0 MAT-file, drawn by mmps'.ljust(116)


def write_mat(path: Path, variables: dict[str, Any]) -> None:
    """Write a MATLAB 5 file whose header does not hold the time of day.

    Args:
        path: The file; its folder is made where it is missing.
        variables: Name of each variable and its value, as ``scipy.io.savemat`` takes them.
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
    """Store whole numbers as MATLAB's smallest type that holds them, as CUHK-SYSU does.

    Args:
        values: Whole numbers, at least 0.

    Returns:
        The same as uint8 or uint16: sums of them overflow unless they are widened first.
    """
    return values.astype(np.uint8 if values.max(initial=0) <= 255 else np.uint16)
