"""Reading a config and preparing it for a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmps.checkpoints.resuming import newest_whole_checkpoint
from mmps.structures import ConfigError

from .config_keys import check_option_keys, check_top_level_keys, leave_out_idle_settings


def load_config(
    path: str | Path,
    work_dir: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
) -> Config:
    """Read a config, change settings in it, and check its keys.

    Args:
        path: Config file.
        work_dir: Folder that a run writes to; ``work_dirs/NAME_OF_CONFIG`` by default.
        options: Values by dotted key, as ``--cfg-options`` takes them.
        launcher: What started the processes of a distributed run.

    Returns:
        The config, ready for MMEngine's runner.

    Raises:
        ConfigError: The file is missing, a key looks misspelt, or an option would change nothing.
    """
    path = str(path)
    if not Path(path).is_file():
        raise ConfigError(f'{path} does not exist; the configs lie in configs/')
    config = Config.fromfile(path)
    check_option_keys(config, options or {})
    config.merge_from_dict(dict(options or {}))
    check_top_level_keys(config)
    leave_out_idle_settings(config)
    config.launcher = launcher
    default = config.get('work_dir') or Path('work_dirs') / Path(path).stem
    config.work_dir = str(work_dir or default)
    return config


def resume_from(config: Config, checkpoint: str | Path = 'auto') -> Path | None:
    """Set a config to continue a training from a checkpoint.

    Args:
        config: Changed in place.
        checkpoint: A file, or ``'auto'`` for the newest whole checkpoint of the work directory. A
            run that begins with phase 2 continues from checkpoints of phase 2 alone: others would
            replace its detector.

    Returns:
        The checkpoint, or nothing if there is none and the run starts from the beginning.

    Raises:
        ConfigError: The file does not exist.
    """
    if str(checkpoint) == 'auto':
        found = newest_whole_checkpoint(config.work_dir, _first_epoch(config))
        if found is None:
            return None
        checkpoint = found
    elif not Path(checkpoint).is_file():
        raise ConfigError(f'--resume {checkpoint}: no such file')
    config.resume, config.load_from = True, str(checkpoint)
    return Path(checkpoint)


def starts_with_reid(config: Config) -> bool:
    """Check whether a run leaves phase 1 out."""
    return _two_phase(config).get('start') == 'reid'


def _first_epoch(config: Config) -> int:
    return _two_phase(config).get('detection_epochs', 0) if starts_with_reid(config) else 0


def _two_phase(config: Config) -> Mapping[str, Any]:
    return config.get('default_hooks', {}).get('two_phase') or {}
