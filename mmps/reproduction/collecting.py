"""Results of steps that several machines did, joined in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmps.files import write_json
from mmps.structures import ConfigError

SETTINGS, STEPS = 'settings.json', 'steps'


def keep_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write down what a folder's results depend on, or check that it is the same.

    Raises:
        ConfigError: The folder holds results of other settings.
    """
    path = folder / SETTINGS
    kept = read_settings(folder)
    if kept is None:
        write_json(path, dict(settings))
    elif kept != dict(settings):
        different = [key for key in {**kept, **settings} if kept.get(key) != settings.get(key)]
        raise ConfigError(
            f'{folder} holds results of other settings ({", ".join(sorted(different))}): name '
            'another --work-dir, or remove this one'
        )


def read_settings(folder: Path) -> dict[str, Any] | None:
    """Read what a folder's results depend on, if it holds any.

    Raises:
        ConfigError: The file is broken.
    """
    path = folder / SETTINGS
    if not path.is_file():
        return None
    try:
        return dict(json.loads(path.read_text(encoding='utf-8')))
    except (ValueError, TypeError) as error:
        raise ConfigError(f'{path} is broken ({error}): remove {folder}') from error


def collect(folders: Sequence[Path], target: Path) -> int:
    """Copy the results of steps to one folder.

    Args:
        folders: Folders of the same experiment, from several machines.
        target: Folder that gets the results; it keeps those that it has.

    Returns:
        How many results were copied.

    Raises:
        ConfigError: A folder holds no results, or results of other settings, or two folders hold
            different numbers of one test.
    """
    for folder in folders:
        settings = read_settings(folder)
        if settings is None:
            raise ConfigError(f'{folder} holds no results of tools/reproduce.py')
        keep_settings(target, settings)
    found = _records([*folders, target])
    new = {name: record for name, record in found.items() if not _path(target, name).exists()}
    for name, record in new.items():
        write_json(_path(target, name), record)
    return len(new)


def _records(folders: Iterable[Path]) -> dict[str, dict[str, Any]]:
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for folder in folders:
        for path in sorted((folder / STEPS).glob('*.json')):
            try:
                record = json.loads(path.read_text(encoding='utf-8'))
            except ValueError as error:
                raise ConfigError(f'{path} is broken ({error}): remove it') from error
            first, kept = found.setdefault(path.stem, (path, record))
            if isinstance(kept['result'], dict) and kept['result'] != record['result']:
                raise ConfigError(
                    f'{first} and {path} hold different results of one test: remove the one that '
                    'you do not want'
                )
    return {name: record for name, (_, record) in found.items()}


def _path(folder: Path, name: str) -> Path:
    return folder / STEPS / f'{name}.json'
