"""What the command-line tools share: reading a config, going on, telling errors."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner
from torch.hub import get_dir

from mmps.apis.evaluator_config import check_test_set, keep_details_beside, write_predictions
from mmps.checkpoints import check_checkpoint, refusal
from mmps.checkpoints.resuming import newest_whole_checkpoint
from mmps.engine.checks import check_amp
from mmps.structures import ConfigError, UserError

from .config_keys import check_option_keys, check_top_level_keys, leave_out_idle_settings
from .gpu import check_gpu


def load_config(
    path: str, work_dir: str | None, options: dict[str, Any] | None, launcher: str = 'none'
) -> Config:
    """Read a config and apply the command line.

    Args:
        path: Config file.
        work_dir: Where the run writes, or ``None`` for ``work_dirs/<name of the config>``.
        options: Dotted keys and values from ``--cfg-options``.
        launcher: How processes were started.

    Returns:
        The config, ready for MMEngine's runner.

    Raises:
        ConfigError: The file is missing, a key looks misspelt, or an option would change nothing.
    """
    if not Path(path).is_file():
        raise ConfigError(f'{path} does not exist; the configs lie in configs/')
    config = Config.fromfile(path)
    check_option_keys(config, options or {})
    config.merge_from_dict(options or {})
    check_top_level_keys(config)
    leave_out_idle_settings(config)
    config.launcher = launcher
    config.work_dir = work_dir or config.get('work_dir') or str(Path('work_dirs') / Path(path).stem)
    return config


def resume_from(config: Config, checkpoint: str) -> None:
    """Set a config to go on from a checkpoint.

    Args:
        config: Changed in place.
        checkpoint: A file, or ``'auto'`` for the newest whole one of the work directory; where
            there is none, the run starts anew. A run that begins with phase 2 goes on from
            checkpoints of phase 2 alone: others would take the place of its detector.

    Raises:
        ConfigError: The file does not exist.
    """
    if checkpoint == 'auto':
        hook = config.get('default_hooks', {}).get('two_phase') or {}
        only_reid = hook.get('start') == 'reid'
        newest = newest_whole_checkpoint(
            config.work_dir, hook.get('detection_epochs', 0) if only_reid else 0
        )
        if newest is None:
            what = 'Nothing of phase 2' if only_reid else 'Nothing'
            print(f'{what} to resume in {config.work_dir}: starting anew')
            return
        checkpoint = str(newest)
    elif not Path(checkpoint).is_file():
        raise ConfigError(f'--resume {checkpoint}: no such file')
    config.resume, config.load_from = True, checkpoint


def use_gloo_without_cuda(config: Config) -> None:
    """Let several processes train on CPUs, where MMEngine's defaults need GPUs.

    Raises:
        ConfigError: They were started in a way for which MMEngine has no other defaults.
    """
    import torch

    if config.launcher in ('slurm', 'mpi') and get_device() in ('cpu', 'mps'):
        raise ConfigError(
            f'--launcher {config.launcher} needs a GPU for each process, and there is none: start '
            'processes on the CPU with tools/dist_train.sh or tools/dist_test.sh'
        )
    if config.launcher != 'pytorch' or torch.cuda.is_available():
        return
    torch.distributed.init_process_group('gloo')
    atexit.register(_leave_process_group)
    wrapper = config.get('model_wrapper_cfg') or {'type': 'MMDistributedDataParallel'}
    config.model_wrapper_cfg = {**wrapper, 'device_ids': None, 'broadcast_buffers': False}


def _leave_process_group() -> None:
    """Drop wrapped models first: gloo's threads outlive a group that one holds, then abort."""
    import torch

    gc.collect()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def train_config(config: Config) -> None:
    """Train as the config says.

    Raises:
        UserError: It cannot be; mostly told before anything is computed.
    """
    check_gpu()
    check_amp(config.optim_wrapper)
    if config.get('load_from'):
        check_checkpoint(config.load_from, bool(config.get('resume')))
    if not config.get('default_hooks', {}).get('two_phase'):
        hooks = config.get('custom_hooks') or []
        config.custom_hooks = [*hooks, {'type': 'mmps.CheckLearningHook'}]
    use_gloo_without_cuda(config)
    Runner.from_cfg(config).train()


def test_config(
    config: Config,
    checkpoint: str | Path,
    out: str | Path | None = None,
    fresh_branch: bool = False,
    fast: bool = False,
) -> dict[str, float]:
    """Test a checkpoint; calibration and per-query results are left beside it.

    Args:
        config: Of the model and its test set.
        checkpoint: Of this model, or of a plain detector.
        out: Where predictions are written, ending in ``.npz``.
        fresh_branch: Whether what the checkpoint does not hold is drawn as training would begin
            with it; the baseline "untrained branch".
        fast: Whether the model is prepared for prediction first (:class:`FastTestHook`).

    Returns:
        The evaluator's numbers, as fractions in 0..1.

    Raises:
        UserError: The checkpoint, the config or ``out`` is of no use for it.
    """
    check_checkpoint(checkpoint)
    check_test_set(config)
    if out is not None:
        write_predictions(config, out)
    tested = None if fresh_branch else keep_details_beside(config, checkpoint)
    check_gpu()
    if fast:
        config.custom_hooks = [*config.get('custom_hooks', []), {'type': 'mmps.FastTestHook'}]
    config.load_from, config.resume = str(checkpoint), False
    use_gloo_without_cuda(config)
    runner = Runner.from_cfg(config)
    if fresh_branch:
        runner.model.init_weights()
    if tested is None:
        return runner.test()
    tested.begin()
    metrics = runner.test()
    tested.end()
    return metrics


def tell_user_errors(main: Callable[[], None]) -> int:
    """Run a tool; show an error that the user can mend as its one sentence.

    Args:
        main: The tool.

    Returns:
        Exit code: 0, 2 for wrong input, 130 for an interrupt.
    """
    try:
        main()
    except KeyboardInterrupt:
        print('\ninterrupted; what was finished is kept', file=sys.stderr)
        return 130
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f'error: {sentence}', file=sys.stderr)
        return 2
    return 0


def _sentence(error: Exception) -> str | None:
    """Say what a user can mend; nothing of other errors."""
    told, reason = str(error), refusal(error)
    if isinstance(error, UserError):
        # An error from a loader's worker process carries that process's traceback before it.
        return told.strip().splitlines()[-1].split('Error: ', 1)[-1]
    if isinstance(error, TypeError) and 'unexpected keyword argument' in told:
        return f'{told}: the config has a key there that is misspelt or not known'
    if isinstance(error, ValueError) and 'Cannot infer the rule' in told:
        return f"{told} Add rule='greater' beside `save_best` in the config."
    if isinstance(error, URLError):
        return (
            f'a download failed ({error.reason}): fetch the file of `load_from`, or of an '
            '`init_cfg`, yourself and give its path, such as --cfg-options load_from=FILE'
        )
    return reason and (
        'a checkpoint that the config names, in `load_from` or an `init_cfg`, cannot be read: '
        f'{reason}; fetch it again (downloads lie in {get_dir()}/checkpoints)'
    )
