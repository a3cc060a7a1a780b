"""Reading ``.npz`` files from anywhere: nothing in them is ever unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from mmps.structures import DataError


def read_npz(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read some arrays of an ``.npz`` file.

    Args:
        path: an existing file.
        names: arrays that are read, if they are there.

    Returns:
        Arrays by name.

    Raises:
        DataError: if the file is damaged, of another kind, needs unpickling, or holds something
            else than an array under one of the names.
    """
    try:
        with path.open('rb') as stream, np.lib.npyio.NpzFile(stream, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files if name in names}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f'{path} is not a readable .npz file ({error}).') from None
    for name, array in content.items():
        if not isinstance(array, np.ndarray):
            raise DataError(f'{path}: {name} is not an array; write the file with numpy.savez.')
    return content
