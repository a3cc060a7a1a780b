"""Read text files of the official sets: any line ends, empty lines, messages with line numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from mmps.files import read_text
from mmps.structures import DataError


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Read the lines that are not empty.

    Args:
        path: The file, in UTF-8 or UTF-16; Unix and Windows line ends, with or without a byte
            order mark.

    Yields:
        File and line number for messages, and the line without surrounding spaces.

    Raises:
        DataError: If the file is missing or is not text.
    """
    if not path.is_file():
        raise DataError(f'{path} is missing; unpack the data set again')
    try:
        content = read_text(path)
    except UnicodeDecodeError as error:
        raise DataError(f'{path} is not a text file in UTF-8; unpack it again') from error
    if '\0' in content:
        raise DataError(f'{path} is not a text file; unpack it again')
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield f'{path}, line {number}', line.strip()


def numbers(words: list[str], where: str) -> list[float]:
    """Read numbers.

    Args:
        words: The numbers as text.
        where: File and line, for the message.

    Returns:
        The numbers; ``nan`` and ``inf`` are numbers here.

    Raises:
        DataError: If a word is not a number.
    """
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise DataError(f'{where} contains something other than numbers: {words!r:.80}') from error


def whole(value: float, where: str) -> int:
    """Convert to a whole number.

    Args:
        value: The number.
        where: File and line, for the message.

    Returns:
        The number as an integer.

    Raises:
        DataError: The number has a fraction or is not finite.
    """
    if not math.isfinite(value) or value != int(value):
        raise DataError(f'{where} contains {value} instead of a whole number')
    return int(value)
