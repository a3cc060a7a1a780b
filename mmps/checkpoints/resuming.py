"""The choice of the checkpoint to resume from after a run was killed, even while writing one."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmps.checkpoints import is_whole
from mmps.checkpoints.origin import BRANCH_TRAINED
from mmps.files import atomic_file, remove_abandoned
from mmps.structures import ConfigError

PHASE_KEY = 'mmps_phase'
"""Entry of a checkpoint's ``meta`` that tells to which phase its optimizer state belongs."""


BRANCH_KEY = 'mmps_branch_trained'
"""Entry of ``meta`` that tells whether the re-ID branch in it is more than drawn at random."""


def mark_branch(checkpoint: dict[str, Any]) -> None:
    """Store what a checkpoint's ``meta`` records about the re-ID branch in its weights.

    Models do not see ``meta``, but the metadata of a state dict, whoever loads it.

    Args:
        checkpoint: Changed in place where its branch is untrained.
    """
    meta, weights = checkpoint.get('meta') or {}, checkpoint.get('state_dict')
    if weights is None or meta.get(BRANCH_KEY, meta.get(PHASE_KEY) != 'detection'):
        return
    metadata = dict(getattr(weights, '_metadata', {}))
    metadata[''] = {**metadata.get('', {}), BRANCH_TRAINED: False}
    checkpoint['state_dict'] = OrderedDict(weights)
    checkpoint['state_dict']._metadata = metadata


def newest_whole_checkpoint(work_dir: str | Path, after: int = 0) -> Path | None:
    """Find the ``epoch_N.pth`` that was written last, and to its end; warn of what is passed over.

    A finished run may have left higher numbers in the folder of a later one. So the newest is the
    one that the file ``last_checkpoint`` names, by its name alone as folders may move; where that
    file is torn, or names a torn one, times decide.

    Args:
        work_dir: Folder of the run.
        after: Checkpoints of these first epochs do not count.
    """
    folder, logger = Path(work_dir), MMLogger.get_current_instance()
    named = [(re.fullmatch(r'epoch_(\d+)\.pth', p.name), p) for p in folder.glob('*.pth')]
    numbers = {path: int(match[1]) for match, path in named if match and int(match[1]) > after}
    last = _last_checkpoint(folder)
    order = sorted(numbers, key=lambda p: (p.name == last, p.stat().st_mtime_ns, numbers[p]))
    while order:
        path = order.pop()
        if is_whole(path):
            _warn_of_higher(path, [p for p in order if numbers[p] > numbers[path]])
            return path
        logger.warning('%s was cut short while it was written; going on from another one', path)
    return None


def _warn_of_higher(path: Path, others: list[Path]) -> None:
    if others:
        MMLogger.get_current_instance().warning(
            'Going on from %s, which was written last, although %s with a higher number is there: '
            'name that file to go on from it (--resume FILE)', path, others[-1].name
        )  # fmt: skip


def _last_checkpoint(folder: Path) -> str | None:
    path = folder / 'last_checkpoint'
    return Path(path.read_text(errors='replace').strip()).name if path.is_file() else None


def choose_checkpoint(runner: Runner, start: str, detection_epochs: int) -> None:
    """Choose a complete checkpoint to resume, the same on all ranks; without one, start again.

    Args:
        runner: Before it loads anything; changed in place.
        start: The phase that it begins with; at ``'reid'``, only checkpoints of phase 2 count, and
            there must be one, as without any it would train on random weights.
        detection_epochs: Length of phase 1.

    Raises:
        ConfigError: The named checkpoint was cut short, or there is none and one is needed.
    """
    if is_main_process():
        remove_abandoned(Path(runner.work_dir))
    if not runner._resume:
        return
    chosen = [runner._load_from]
    if chosen[0] is None and is_main_process():
        newest = newest_whole_checkpoint(
            runner.work_dir, detection_epochs if start == 'reid' else 0
        )
        chosen = [newest and str(newest)]
    broadcast_object_list(chosen)
    path = runner._load_from = chosen[0]
    if path is not None and Path(path).is_file() and not is_whole(path):
        raise ConfigError(
            f'{path} was cut short while it was written: resume without naming a file, which '
            'takes the newest whole one'
        )
    if path is None and start == 'reid':
        raise ConfigError(
            f"there is nothing to resume in {runner.work_dir}, and two_phase.start='reid' needs a "
            'trained detector: start without --resume, and with `load_from` set to its checkpoint'
        )
    if path is None:
        runner._resume = False
        MMLogger.get_current_instance().warning(
            'Nothing to resume in %s: starting from the beginning', runner.work_dir
        )


def check_resumable(
    checkpoint: dict[str, Any], path: str | None, detection_epochs: int, start: str = 'detection'
) -> str:
    """Return the phase in which a checkpoint was saved; that of a detector belongs to phase 1.

    Args:
        checkpoint: Loaded.
        path: File of the checkpoint, for messages.
        detection_epochs: Length of phase 1 in the run that goes on from it.
        start: The phase that this run begins with.

    Returns:
        ``'detection'`` or ``'reid'``.

    Raises:
        ConfigError: This run cannot resume from the checkpoint.
    """
    if 'optimizer' not in checkpoint:
        raise ConfigError(
            f'{path} has no optimizer state (best_*.pth and published files have none): resume '
            'from an epoch_*.pth'
        )
    phase = checkpoint['meta'].get(PHASE_KEY, 'detection')
    epoch = checkpoint['meta']['epoch']
    if start == 'reid' and phase == 'detection':
        raise ConfigError(
            f"{path} was saved in phase 1, which two_phase.start='reid' leaves out: resume from a "
            'checkpoint of phase 2, or start without --resume and with `load_from` set to a '
            'trained detector'
        )
    if (phase == 'reid') != (epoch > detection_epochs):
        raise ConfigError(
            f'{path} was saved in phase {1 if phase == "detection" else 2} after {epoch} epochs, '
            f'which does not fit two_phase.detection_epochs={detection_epochs}: resume with the '
            'config that it was trained with'
        )
    return phase


@master_only
def save_detector(model: Any, work_dir: Path) -> None:
    """Keep the detector of phase 1, as a plain mmdet detector, whatever else is cleaned up.

    Other variants can start behind it, and phase 2 can be repeated on it.

    Args:
        model: A person-search model at the end of phase 1.
        work_dir: Folder of the run; the file is ``detector.pth``.
    """
    with atomic_file(work_dir / 'detector.pth') as file:
        torch.save({'state_dict': model.detector.state_dict()}, file)
