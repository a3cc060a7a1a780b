"""Struct arrays of MATLAB 5 files, read one element at a time.

SciPy makes an array of every field: CUHK-SYSU's TestG4000.mat, with 11.6 million gallery entries,
would take minutes and more than 10 GB. Here a field remains bytes of the file until it is decoded,
so that a value that occurs a thousand times is decoded once. The format: MathWorks, "MAT-File
Format", version 5.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from scipy.io import loadmat

from mmps.structures import DataError

_HEADER_SIZE = 128
_COMPRESSED, _MATRIX = 15, 14
_CELL_CLASS, _STRUCT_CLASS = 1, 2
_CHUNK = 1 << 16

Take = Callable[[int], bytes]


class _FormatError(ValueError):
    """The bytes do not follow the format."""


def walk_struct(path: Path, *names: str) -> Iterator[dict[str, bytes]]:
    """Iterate over a struct array, the first variable that has one of the names.

    Args:
        path: The file.
        *names: Names that the variable may have.

    Yields:
        Name of each field and its matrix, still as bytes of the file.

    Raises:
        DataError: If the file is missing or broken, or holds no such variable.
    """
    if not path.is_file():
        raise DataError(f'{path} is missing; unpack the data set again')
    try:
        with path.open('rb') as stream:
            _check_header(stream.read(_HEADER_SIZE))
            for read in _variables(stream):
                take = _taker(read)
                name, count, fields = _struct_header(take)
                if name in names:
                    for _ in range(count):
                        yield {field: _matrix(take) for field in fields}
                    read(1)  # past the end: zlib compares its checksum
                    return
    except (_FormatError, struct.error, zlib.error, UnicodeDecodeError) as error:
        raise DataError(
            f'{path} is not a readable MATLAB file; it may be truncated, unpack it again'
        ) from error
    wanted = ' or '.join(map(repr, names))
    raise DataError(f'{path} holds no struct array {wanted}; is it the right file?')


def split_struct(matrix: bytes, fields: tuple[str, ...], where: str) -> Iterator[tuple[bytes, ...]]:
    """Iterate over a struct array that is itself a field.

    Args:
        matrix: Bytes of the matrix.
        fields: Names of the fields to return.
        where: Description for messages.

    Yields:
        The fields' matrices, in the order of ``fields``.

    Raises:
        DataError: It is not a struct array with these fields.
    """
    buffer = io.BytesIO(matrix)
    try:
        _, count, present = _struct_header(_taker(buffer.read))
        order = [present.index(field) for field in fields]
        position, unpack = buffer.tell(), struct.Struct('<II').unpack_from
        for _ in range(count):
            values = []
            for _ in present:
                kind, size = unpack(matrix, position)
                end = position + 8 + size
                if kind != _MATRIX or end > len(matrix):
                    raise _FormatError(kind)
                values.append(matrix[position:end])
                position = end
            yield tuple(values[k] for k in order)
    except (_FormatError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise DataError(f'{where} is not a struct array with {", ".join(fields)}') from error


def decode(matrix: bytes, where: str) -> np.ndarray:
    """Decode a matrix.

    Args:
        matrix: Bytes of the matrix.
        where: Description for messages.

    Returns:
        The value, as ``scipy.io.loadmat`` returns it.

    Raises:
        DataError: The bytes are damaged.
    """
    content = _element(6, struct.pack('<II', _CELL_CLASS, 0))
    content += _element(5, struct.pack('<ii', 1, 1)) + _element(1, b'cell') + matrix
    header = b'MATLAB 5.0 MAT-file'.ljust(124) + struct.pack('<H', 0x0100) + b'IM'
    try:
        return loadmat(io.BytesIO(header + _element(_MATRIX, content)))['cell'][0, 0]
    except Exception as error:  # damaged bytes can raise almost any exception in SciPy
        raise DataError(f'{where} cannot be decoded; unpack the data set again') from error


def _check_header(header: bytes) -> None:
    if len(header) < _HEADER_SIZE or header[126:128] != b'IM':
        raise _FormatError('header')


def _variables(stream: BinaryIO) -> Iterator[Take]:
    """Yield a reader for each variable; each variable begins with its own tag."""
    while tag := stream.read(8):
        kind, size = struct.unpack('<II', tag)
        begin = stream.tell()
        if kind == _COMPRESSED:
            yield _inflating(stream, size)
        elif kind == _MATRIX:
            stream.seek(begin - 8)
            yield stream.read
        stream.seek(begin + size)


def _inflating(stream: BinaryIO, size: int) -> Take:
    """Return a ``read`` that inflates only as much as is requested."""
    inflate, left = zlib.decompressobj(), size

    def read(wanted: int) -> bytes:
        nonlocal left
        parts = []
        while wanted:
            data = inflate.unconsumed_tail or stream.read(min(_CHUNK, left))
            left -= 0 if inflate.unconsumed_tail else len(data)
            part = inflate.decompress(data, wanted)
            if not part and not data:
                break
            parts.append(part)
            wanted -= len(part)
        return b''.join(parts)

    return read


def _taker(read: Take) -> Take:
    """Return a ``read`` that returns exactly as many bytes as requested."""

    def take(size: int) -> bytes:
        data = read(size)
        if len(data) != size:
            raise _FormatError('end of file')
        return data

    return take


def _struct_header(take: Take) -> tuple[str, int, list[str]]:
    """Read name, number of elements and fields; no elements if it is not a struct array."""
    kind, _ = struct.unpack('<II', take(8))
    if kind != _MATRIX:
        raise _FormatError(kind)
    flags = _subelement(take)
    shape = np.frombuffer(_subelement(take), '<i4')
    name = _subelement(take).decode('latin1')
    if flags[:1] != bytes([_STRUCT_CLASS]):
        return '', 0, []
    width = struct.unpack('<i', _subelement(take))[0]
    names = _subelement(take)
    if width < 1 or len(names) % width or shape.min(initial=0) < 0:
        raise _FormatError('field names')
    fields = [names[k : k + width].split(b'\0')[0].decode() for k in range(0, len(names), width)]
    return name, int(np.prod(shape, dtype=np.int64)), fields


def _subelement(take: Take) -> bytes:
    """Read the data of an element; up to 4 bytes are stored in the tag itself."""
    tag = take(8)
    kind, size = struct.unpack('<II', tag)
    if kind >> 16:
        return tag[4 : 4 + (kind >> 16)]
    return take(size + -size % 8)[:size]


def _matrix(take: Take) -> bytes:
    tag = take(8)
    kind, size = struct.unpack('<II', tag)
    if kind != _MATRIX:
        raise _FormatError(kind)
    return tag + take(size)


def _element(kind: int, data: bytes) -> bytes:
    return struct.pack('<II', kind, len(data)) + data + b'\0' * (-len(data) % 8)
