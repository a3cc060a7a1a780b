"""A checkpoint of COCO's 80 classes, written again with the person alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mmps.files import atomic_file
from mmps.structures import UserError

from .person_class import COCO_CLASSES, keep_person
from .reading import read_restricted, weights_of


def check_classes(content: dict[str, Any], source: Path) -> None:
    """Reject a checkpoint whose own list of classes is not COCO's.

    Raises:
        UserError: It has another number of classes, or person is not the first.
    """
    meta = content.get('meta')
    meta = meta if isinstance(meta, dict) else {}
    told = meta.get('dataset_meta')
    classes = told.get('classes') if isinstance(told, dict) else meta.get('CLASSES')
    if not isinstance(classes, list | tuple) or not classes:
        return
    if len(classes) != COCO_CLASSES or classes[0] != 'person':
        raise UserError(
            f'{source} is of {len(classes)} classes, the first {classes[0]!r}, not of '
            f"COCO's {COCO_CLASSES}, the first 'person': there is nothing to convert"
        )


def reduce_to_person(source: Path, target: Path) -> list[str]:
    """Write the checkpoint with one class.

    Returns:
        Names of the reduced weights.

    Raises:
        UserError: The file does not exist, is not a checkpoint, or has no head of 80 classes; or
            the target is a folder.
    """
    content = read_restricted(source)
    weights = weights_of(content, source)
    check_classes(content, source)
    if target.is_dir():
        raise UserError(f'{target} is a folder; name the file to write')
    changed = keep_person(weights)
    if not changed:
        raise UserError(
            f"{source} has no layer that is known to score COCO's {COCO_CLASSES} classes: there is "
            'nothing to convert'
        )
    meta = {'dataset_meta': {'classes': ('person',)}}
    with atomic_file(target) as file:
        torch.save({'meta': meta, 'state_dict': weights}, file)
    return changed
