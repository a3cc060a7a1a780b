"""Heads trained on COCO's 80 classes as heads of one class: the person's rows alone."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

COCO_CLASSES = 80
PERSON = 0
"""Place of ``person`` among COCO's classes, in mmdet's order."""


def person_rows(name: str, rows: int) -> Sequence[int] | None:
    """Tell which rows of an 80-class head's weight belong to one class, the person.

    Dense heads (RetinaNet, FCOS, ATSS, RPN-like) keep classes innermost, anchor by anchor, in a
    layer whose name ends in ``cls``. Box heads (Faster R-CNN) score all classes and then the
    background in ``fc_cls``, and keep four box deltas a class in ``fc_reg``.

    Args:
        name: Of the weight or bias in a checkpoint.
        rows: Its first dimension.

    Returns:
        Indices of rows; nothing where the weight does not depend on COCO's classes.
    """
    layer = name.split('.')[-2] if '.' in name else ''
    if layer == 'fc_reg':
        return range(4 * PERSON, 4 * PERSON + 4) if rows == 4 * COCO_CLASSES else None
    if layer == 'fc_cls':
        with_background = (PERSON, COCO_CLASSES)
        return {COCO_CLASSES + 1: with_background, COCO_CLASSES: (PERSON,)}.get(rows)
    if layer.endswith('cls') and rows and rows % COCO_CLASSES == 0:
        return range(PERSON, rows, COCO_CLASSES)
    return None


def keep_person(
    state_dict: dict[str, Tensor], wanted: dict[str, Tensor] | None = None
) -> list[str]:
    """Cut the heads of a detector's checkpoint down to the person.

    Args:
        state_dict: Weights by name; changed in place.
        wanted: Weights of the model that shall take them: only what then fits is cut.

    Returns:
        Names of the weights that were cut.
    """
    changed = []
    for name, weight in state_dict.items():
        rows = person_rows(name, len(weight)) if weight.dim() else None
        if rows is None:
            continue
        fits = (len(rows), *weight.shape[1:])
        if wanted is None or (name in wanted and tuple(wanted[name].shape) == fits):
            state_dict[name] = weight[list(rows)].clone()
            changed.append(name)
    return changed
