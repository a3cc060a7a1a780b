"""Checkpoints of plain detectors, read by models that wrap a detector."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mmengine.logging import MMLogger
from torch import Tensor, nn

from mmps.checkpoints.person_class import keep_person
from mmps.structures import UserError


def adopt_detector_weights(state_dict: dict, prefix: str, model: nn.Module) -> bool:
    """Make a plain detector's checkpoint fit a model that keeps the detector in ``detector``.

    Heads of many classes give their person's rows to a head of one class. A head that cannot be cut
    so is left to :func:`fill_gaps`. What such a file cannot hold, the re-ID branch, keeps the
    weights that it has.

    Args:
        state_dict: Weights by name; changed in place where they come from a plain detector.
        prefix: Of the model in ``state_dict``.
        model: The model with ``detector`` and ``reid_branch``.

    Returns:
        Whether the file has a re-ID branch.

    Raises:
        UserError: Nothing in the file fits the detector's backbone, or it is of another backbone.
    """
    ours = [key for key in state_dict if key.startswith(prefix)]
    for key in [key for key in ours if not isinstance(state_dict[key], Tensor)]:
        del state_dict[key]
        ours.remove(key)
    wrapped, branch = f'{prefix}detector.', f'{prefix}reid_branch.'
    if not any(key.startswith((wrapped, branch)) for key in ours):
        for key in ours:
            state_dict[wrapped + key[len(prefix) :]] = state_dict.pop(key)
    expected = model.detector.state_dict(prefix=wrapped)
    if not any(name in state_dict for name in expected if 'backbone.' in name):
        example = next(iter(ours), 'nothing')
        raise UserError(
            "The checkpoint holds no weight of the detector's backbone (its first entry is "
            f'{example!r}): give a checkpoint of this model or of a plain mmdet detector.'
        )
    rename_old_layers(state_dict, expected)
    changed = keep_person(state_dict, expected)
    if changed:
        MMLogger.get_current_instance().info(
            "Of the checkpoint's classes the person is kept (%d weights).", len(changed)
        )
    check_backbone(state_dict, expected, f'{wrapped}backbone.')
    has_branch = any(key.startswith(branch) for key in state_dict)
    if not has_branch:
        if not getattr(model.reid_branch.stages, 'finished', False):
            MMLogger.get_current_instance().warning(
                'The checkpoint holds a detector only: search numbers mean nothing before phase 2 '
                'has trained the re-ID branch.'
            )
        own = model.reid_branch.state_dict(prefix=branch)
        state_dict.update({key: value.clone() for key, value in own.items()})
    return has_branch


def rename_old_layers(state_dict: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Rename layers of early anchor-free heads from ``fcos_cls`` to ``conv_cls``.

    mmdet does so for a detector that is loaded by itself, but not inside another model.

    Args:
        state_dict: What was read; changed in place.
        expected: Weights of the model, by name.
    """
    for name in [n for n in state_dict if n not in expected]:
        renamed = re.sub(r'\.[a-z]+_(cls|reg|centerness)(?=\.\w+$)', r'.conv_\1', name)
        if renamed in expected and renamed not in state_dict:
            state_dict[renamed] = state_dict.pop(name)


def check_backbone(state_dict: dict[str, Tensor], expected: dict[str, Tensor], prefix: str) -> None:
    """Refuse the weights of another backbone, which MMEngine would leave out with a mere warning.

    Args:
        state_dict: Weights that were read, by name.
        expected: Weights of the model, by name.
        prefix: Of the detector's backbone in both.

    Raises:
        UserError: A weight has another shape, or a stage another number of blocks.
    """
    cure = 'give a checkpoint of the same backbone, or make `model.detector.backbone` equal to its'
    for name in expected.keys() & state_dict.keys():
        found, wanted = tuple(state_dict[name].shape), tuple(expected[name].shape)
        if name.startswith(prefix) and found != wanted:
            raise UserError(
                f"The checkpoint's backbone.{name.removeprefix(prefix)} has shape {found}, the "
                f"model's {wanted}: {cure} config."
            )
    blocks, ours = (_count_blocks(weights, prefix) for weights in (state_dict, expected))
    for stage in ours.keys() & blocks.keys():
        if blocks[stage] != ours[stage]:
            raise UserError(
                f"The number of blocks in the checkpoint's backbone.{stage} is {blocks[stage]}, in "
                f"the model's {ours[stage]}: {cure} depth."
            )


def _count_blocks(names: Iterable[str], prefix: str) -> dict[str, int]:
    """Count the numbered modules of each stage that consist of modules themselves."""
    blocks: dict[str, set[str]] = {}
    for name in [name for name in names if name.startswith(prefix)]:
        for number in re.finditer(r'\.(\d+)\.(?=\w+\.)', name):
            stage = name[len(prefix) : number.start()]
            blocks.setdefault(stage, set()).add(number[1])
    return {stage: len(numbers) for stage, numbers in blocks.items()}
