"""Read MATLAB files of the official data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from mmps.structures import DataError

from .records import Box


def load_variable(path: Path, *names: str) -> np.ndarray:
    """Read one variable.

    Args:
        path: The file, with its full name.
        *names: Names of the variable; the first one that exists is used.

    Returns:
        The variable as ``scipy.io.loadmat`` returns it.

    Raises:
        DataError: If the file is missing, cannot be read, or holds none of the names.
    """
    if not path.is_file():
        raise DataError(f'{path} is missing; unpack the data set again')
    try:
        content = loadmat(path, appendmat=False, variable_names=list(names))
    except Exception as error:  # damaged bytes can raise almost any exception in SciPy
        raise DataError(
            f'{path} is not a readable MATLAB file; it may be truncated, unpack it again'
        ) from error
    for name in names:
        if name in content:
            return np.asarray(content[name])
    raise DataError(
        f'{path} holds no variable {" or ".join(map(repr, names))}; is it the right file?'
    )


def elements(array: Any, where: str) -> Iterator[Any]:
    """Iterate over the elements of a struct or cell array of any shape.

    Args:
        array: The array, possibly of one element.
        where: Description for messages.

    Yields:
        One element after the other; cells of one struct are opened.

    Raises:
        DataError: If it is not a struct or cell array.
    """
    array = np.asarray(array)
    if array.dtype.names is None and array.dtype != object:
        if array.size == 0:
            return
        raise DataError(f'{where} is not a struct or cell array')
    for element in array.ravel():
        yield _opened(element)


def _opened(element: Any) -> Any:
    while isinstance(element, np.ndarray) and element.dtype.names and element.size == 1:
        element = element.ravel()[0]
    return element


def struct_field(struct: Any, name: str, where: str) -> Any:
    """Get one field of a struct.

    Args:
        struct: A struct of one element.
        name: Name of the field.
        where: Description of the struct, for messages.

    Returns:
        The field's value.

    Raises:
        DataError: If there is no such field.
    """
    names = getattr(getattr(struct, 'dtype', None), 'names', None) or ()
    if name not in names or not isinstance(struct, np.void):
        raise DataError(f'{where} has no field {name!r}')
    return struct[name]


def text(value: Any, where: str) -> str:
    """Get a string from the arrays around it.

    Args:
        value: Content of the file.
        where: Description for messages.

    Returns:
        The string.

    Raises:
        DataError: If it is not one string.
    """
    value = np.asarray(value)
    while value.dtype == object and value.size == 1:
        value = np.asarray(value.ravel()[0])
    if value.size != 1 or value.dtype.kind != 'U' or not str(value.ravel()[0]).strip():
        raise DataError(f'{where} is not a name')
    return str(value.ravel()[0]).strip()


def box(value: Any, where: str) -> Box | None:
    """Get an xywh box in a wider type, so that sums of small integers cannot overflow.

    Args:
        value: Content of the file.
        where: Description for messages.

    Returns:
        The box, or ``None`` for an empty array.

    Raises:
        DataError: If it is neither four numbers nor empty.
    """
    value = np.asarray(value)
    while value.dtype == object and value.size == 1:
        value = np.asarray(value.ravel()[0])
    if value.size == 0:
        return None
    if value.size != 4 or value.dtype.kind not in 'iuf':
        raise DataError(f'{where} is not a box of four numbers')
    x, y, w, h = (float(v) for v in value.ravel())
    return (x, y, w, h)
