"""A minimal writer of MATLAB 5 files, independent of SciPy and fast enough for the full size."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

NAMES = {'u1': (2, 9), 'u2': (4, 11), 'f8': (9, 6)}
FORMATS = {'u1': 'B', 'u2': 'H', 'f8': 'd'}
CHAR, CELL, STRUCT = 4, 1, 2


def element(kind: int, data: bytes) -> bytes:
    if 0 < len(data) <= 4:
        return struct.pack('<HH', kind, len(data)) + data.ljust(4, b'\0')
    return struct.pack('<II', kind, len(data)) + data + b'\0' * (-len(data) % 8)


def matrix(mat_class: int, shape: Sequence[int], body: bytes, name: bytes = b'') -> bytes:
    content = struct.pack('<IIII', 6, 8, mat_class, 0)
    content += element(5, struct.pack(f'<{len(shape)}i', *shape)) + element(1, name) + body
    return struct.pack('<II', 14, len(content)) + content


def text(value: str) -> bytes:
    return matrix(CHAR, (1, len(value)), element(4, value.encode('utf-16-le')))


def numbers(values: Sequence[float], dtype: str) -> bytes:
    kind, mat_class = NAMES[dtype]
    data = struct.pack(f'<{len(values)}{FORMATS[dtype]}', *values)
    return matrix(mat_class, (1, len(values)), element(kind, data))


def struct_array(
    rows: Sequence[Sequence[bytes]], fields: Sequence[str], name: bytes = b''
) -> bytes:
    names = b''.join(field.encode().ljust(32, b'\0') for field in fields)
    body = struct.pack('<HHi', 5, 4, 32) + element(1, names)
    body += b''.join(value for row in rows for value in row)
    return matrix(STRUCT, (1, len(rows)), body, name)


def cell_column(values: Sequence[bytes], name: bytes = b'') -> bytes:
    return matrix(CELL, (len(values), 1), b''.join(values), name)


def write(path: Path, variable: bytes, *, compress: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = b'MATLAB 5.0 MAT-file, test'.ljust(124) + struct.pack('<H', 0x0100) + b'IM'
    if compress:
        data = zlib.compress(variable, 1)
        variable = struct.pack('<II', 15, len(data)) + data
    path.write_bytes(header + variable)
