"""Files that exist completely or not at all, even if the writer is killed or the disk is full."""

from __future__ import annotations

import codecs
import json
import os
import secrets
import time
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mmps.structures import ConfigError, DataError

ABANDONED_AFTER = 900.0
"""Seconds since the last byte after which the writer of a scratch file is considered dead."""

FOREIGN = (
    (rb'\s*<', 'it is a web page', 'download the file itself'),
    (rb'version https://git-lfs', 'it is a pointer of Git LFS', 'fetch the file by git lfs pull'),
    (rb'\x1f\x8b|BZh|7z\xbc\xaf|\xfd7zXZ|Rar!', 'it is compressed', 'unpack it'),
)
"""First bytes of files that are often mistaken for another one, what they are, and the fix."""


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a scratch file that replaces ``path`` once it is completely on disk.

    Args:
        path: The file; its folder is created if it is missing.

    Raises:
        OSError: The folder cannot be written, or the disk is full; it names ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Writers of one path may be on several machines, where process ids repeat.
    scratch = path.with_name(f'.{path.name}.{secrets.token_hex(8)}.tmp')
    try:
        with open(scratch, 'xb+') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException as error:
        with suppress(OSError):
            scratch.unlink()
        if _is_about(error, scratch):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def check_can_write(path: Path, is_folder: bool = False) -> None:
    """Check, before long work, whether a file or a folder can be written when it is done.

    Args:
        path: Of the file or folder; it may be missing, and so may folders above it.
        is_folder: Whether files are to be written into it.

    Raises:
        ConfigError: Another file is there, or the system rejects it.
    """
    if not is_folder and path.is_dir():
        raise ConfigError(f'{path} is a folder; add the name of a file')
    above = path if is_folder else path.parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise ConfigError(f'{path} cannot be written: {above} is no folder; choose another place')
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f'{path} cannot be written: {above} is read-only; choose another place')


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that no reader ever sees a part of it.

    Args:
        path: The file; its folder is created if it is missing.
        content: All bytes of the file.
    """
    with atomic_file(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, completely or not at all.

    Args:
        path: The file; its folder is created if it is missing.
        text: The content; line ends are not changed. File names that are not Unicode are escaped.
    """
    write_atomically(path, text.encode(errors='backslashreplace'))


def write_json(path: Path, content: Any, compact: bool = False) -> None:
    """Write a JSON file, completely or not at all.

    Args:
        path: The file; its folder is created if it is missing.
        content: Dictionaries, lists, strings, numbers, booleans and ``None``.
        compact: Whether to omit indentation and spaces.
    """
    form = {'separators': (',', ':')} if compact else {'indent': 2}
    end = '' if compact else '\n'
    text = json.dumps(content, ensure_ascii=False, **form) + end
    try:
        data = text.encode()
    except UnicodeEncodeError:  # file names that are not Unicode; JSON has escapes for them
        data = (json.dumps(content, **form) + end).encode()
    write_atomically(path, data)


def read_text(path: Path) -> str:
    """Read a text file written by an editor, spreadsheet or shell of any system.

    Args:
        path: File in UTF-8, with or without a byte order mark, in UTF-16, or in UTF-32 with a
            mark.

    Returns:
        The text without the mark, with unchanged line ends.

    Raises:
        OSError: The file cannot be read.
        UnicodeDecodeError: The file has another encoding or is not text.
    """
    data = path.read_bytes()
    return data.decode(_encoding(data))


def read_npz(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read some arrays of an ``.npz`` file; nothing in it is ever unpickled.

    Args:
        path: An existing file.
        names: Arrays that are read, if they are there.

    Returns:
        Arrays by name.

    Raises:
        DataError: The file is damaged, of another kind, needs unpickling, or holds something
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


def remove_abandoned(folder: Path) -> None:
    """Remove the scratch files that killed writers left; those of active writers stay.

    Args:
        folder: Folder to clean up; it need not exist.
    """
    for scratch in folder.glob('.*.tmp'):
        try:
            if time.time() - scratch.stat().st_mtime > ABANDONED_AFTER:
                scratch.unlink()
        except OSError:  # another process was faster, or we lack the permission
            continue


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return 'utf-32'
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return 'utf-16'
    if data[1:2] == b'\0':  # the first letter is ASCII, as in any table and any JSON
        return 'utf-16-le'
    if data[:1] == b'\0':
        return 'utf-16-be'
    return 'utf-8-sig'


def _is_about(error: BaseException, scratch: Path) -> bool:
    """Check whether an error is about the scratch file; that of a full disk names no file."""
    refused = isinstance(error, OSError) and error.errno is not None
    return refused and error.filename in (None, str(scratch), scratch)
