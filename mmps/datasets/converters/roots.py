"""Find a data set in the folder that the user names, or one folder below."""

from __future__ import annotations

from pathlib import Path

from mmps.structures import DataError


def find_root(given: Path, dataset: str, needed: tuple[str, ...], usual: tuple[str, ...]) -> Path:
    """Find the folder that holds a data set.

    Args:
        given: Folder that the user named.
        dataset: Name of the data set, for the message.
        needed: Files and folders, relative to the root, all of which must be there.
        usual: Usual names of the root, searched below ``given``.

    Returns:
        The root.

    Raises:
        DataError: None of the candidates contains what is needed.
    """
    for candidate in _candidates(given, dataset, usual):
        if all((candidate / name).exists() for name in needed):
            return candidate
    raise _not_found(given, dataset, ' and '.join(needed), usual)


def find_root_of_any(
    given: Path, dataset: str, files: tuple[str, ...], usual: tuple[str, ...]
) -> Path:
    """Find the folder that holds a data set of which any one file is enough.

    Args:
        given: Folder that the user named.
        dataset: Name of the data set, for the message.
        files: Files relative to the root, one of which must be there.
        usual: Usual names of the root, searched below ``given``.

    Returns:
        The root.

    Raises:
        DataError: None of the candidates contains any of the files.
    """
    for candidate in _candidates(given, dataset, usual):
        if any((candidate / name).exists() for name in files):
            return candidate
    raise _not_found(given, dataset, ' or '.join(files), usual)


def _candidates(given: Path, dataset: str, usual: tuple[str, ...]) -> list[Path]:
    if not given.is_dir():
        raise DataError(f'{given} is not a folder; name the folder of {dataset}')
    return [given, *(given / name for name in usual)]


def _not_found(given: Path, dataset: str, needed: str, usual: tuple[str, ...]) -> DataError:
    return DataError(
        f'{given} is not {dataset}: neither it nor its sub-folder {" or ".join(usual)} '
        f'holds {needed}'
    )
