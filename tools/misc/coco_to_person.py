#!/usr/bin/env python
"""Make a detector's checkpoint of COCO's 80 classes one of a single class, the person.

For training a bare mmdet detector (configs/detection); models of mmps do the same by themselves
when they load such a file.

examples:
  python tools/misc/coco_to_person.py retinanet_r50_fpn_1x_coco.pth retinanet_r50_fpn_person.pth
"""

from __future__ import annotations

import argparse
import pickle
import sys
from pathlib import Path
from typing import Any

import torch

import mmps  # noqa: F401  # lets torch read MMEngine's checkpoints, safely
from mmps.apis.arguments import teaching_parser
from mmps.apis.running import tell_user_errors
from mmps.files import atomic_file
from mmps.models.detectors.person_class import keep_person
from mmps.structures import UserError


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument(
        'source', type=Path, metavar='IN', help='checkpoint of an mmdet detector with 80 classes'
    )
    parser.add_argument('target', type=Path, metavar='OUT', help='checkpoint to write')
    return parser.parse_args()


def read_weights(path: Path) -> dict[str, Any]:
    """Read the weights of a checkpoint, without running anything that it might hold.

    Raises:
        UserError: It is no checkpoint.
    """
    if not path.is_file():
        raise UserError(f'{path} does not exist; give a checkpoint of a detector')
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines() or ['it is empty']
        raise UserError(f'{path} is no checkpoint that can be read safely: {reason[0]}') from error
    weights = content.get('state_dict', content) if isinstance(content, dict) else {}
    weights = {name: w for name, w in weights.items() if isinstance(w, torch.Tensor)}
    if not weights:
        raise UserError(f'{path} holds no weights; give a checkpoint of a detector')
    return weights


def convert(source: Path, target: Path) -> list[str]:
    """Write the checkpoint with one class; give the names of the weights that were cut.

    Raises:
        UserError: The file is not there, is no checkpoint, or has no head of 80 classes.
    """
    weights = read_weights(source)
    changed = keep_person(weights)
    if not changed:
        raise UserError(f"{source} has no head of COCO's 80 classes: there is nothing to convert")
    meta = {'dataset_meta': {'classes': ('person',)}}
    with atomic_file(target) as file:
        torch.save({'meta': meta, 'state_dict': weights}, file)
    return changed


def main() -> None:
    args = parse_args()
    for name in convert(args.source, args.target):
        print(f'cut {name}')
    print(args.target)


if __name__ == '__main__':
    sys.exit(tell_user_errors(main))
