#!/usr/bin/env python
r"""Count parameters and operations of the shared part and of the re-ID part.

One multiplication with its addition counts as one operation, as in mmdet's tool of this name.
Convolutions and matrix products are counted; RoI pooling, normalisation and NMS are not.

examples:
  # the paper's J2, J3, J4 and Disj.
  python tools/analysis_tools/get_flops.py
  python tools/analysis_tools/get_flops.py configs/joint/joint-j3_retinanet_r50_fpn_c.py \
      --shape 900 1500 --people 10 50
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import torch
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmps.apis.configs import load_config
from mmps.apis.errors import explained_errors
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_text
from mmps.models.detectors.person_search import PersonSearchDetector
from mmps.registry import MODELS
from mmps.structures import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
PAPER = {
    **{
        f'J{j}': CONFIGS / 'joint' / f'joint-j{j}_retinanet_r50_fpn_c.py' for j in (2, 3, 4)
    },
    'Disj.': CONFIGS / 'disjoint' / 'disjoint_retinanet_r50_fpn_c.py',
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a model needs.

    Attributes:
        detector_parameters: Of the detector, its shared part included.
        shared_operations: Of the shared stages, per image.
        detector_operations: Of the whole detector, per image.
        reid_parameters: Parameters of the re-ID part.
        reid_operations: Of the re-ID part, per person.
    """

    detector_parameters: int
    shared_operations: int
    detector_operations: int
    reid_parameters: int
    reid_operations: int

    @property
    def parameters(self) -> int:
        """All."""
        return self.detector_parameters + self.reid_parameters

    def operations(self, people: int) -> int:
        """Count one image with so many people."""
        return self.detector_operations + people * self.reid_operations


def measure(model: PersonSearchDetector, shape: tuple[int, int]) -> Cost:
    """Count a model's parameters and operations; nothing is computed.

    Args:
        model: Any; its weights are given up.
        shape: (height, width) of the network's input.
    """
    model = model.to('meta').eval()
    image = torch.empty(1, 3, *shape, device='meta')
    pooled = torch.empty(1, *model.pooled_shape, device='meta')
    return Cost(
        parameters(model.detector),
        operations(lambda: model.source.run(image)),
        operations(lambda: model.detector._forward(image)),
        parameters(model.reid_branch),
        operations(lambda: model.reid_branch.embed(pooled)),
    )


def parameters(module: nn.Module) -> int:
    """Count the numbers that training could change."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def operations(compute: Callable[[], Any]) -> int:
    """Count multiply-adds of a computation."""
    with FlopCounterMode(display=False) as counter:
        compute()
    return counter.get_total_flops() // 2


def cells(cost: Cost, people: list[int]) -> list[str]:
    """Write a row: millions of parameters, billions of operations."""
    millions = (cost.detector_parameters, cost.reid_parameters, cost.parameters)
    billions = (
        cost.shared_operations,
        cost.detector_operations,
        cost.reid_operations,
        *map(cost.operations, people),
    )
    return [f'{n / 1e6:.1f}' for n in millions] + [f'{n / 1e9:.2f}' for n in billions]


def headings(people: list[int]) -> list[str]:
    """Return the headings of the columns after the model's name."""
    return [
        'detector, M params', 're-ID, M params', 'total, M params', 'shared, GFLOPs per image',
        'detector, GFLOPs per image', 're-ID, GFLOPs per person',
        *(f'total, {count} people' for count in people),
    ]  # fmt: skip


def markdown(costs: dict[str, Cost], people: list[int]) -> str:
    """Write the table as Markdown."""
    columns = headings(people)
    lines = [f'| | {" | ".join(columns)} |', f'|---|{"---:|" * len(columns)}']
    lines += [f'| {name} | {" | ".join(cells(cost, people))} |' for name, cost in costs.items()]
    return '\n'.join(lines) + '\n'


def build(path: str | Path) -> PersonSearchDetector:
    """Build a config's model.

    Raises:
        ConfigError: The model is not one of mmps.
    """
    config = load_config(str(path), None, None)
    init_default_scope('mmdet')
    with explained_errors():
        model = MODELS.build(config.model)
    if not isinstance(model, PersonSearchDetector):
        raise ConfigError(
            f'{path} builds a bare {type(model).__name__}; give a config of configs/joint or '
            'configs/disjoint, or use get_flops.py of mmdet'
        )
    return model


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument(
        'configs', nargs='*', metavar='CONFIG', help="models to count (default: the paper's four)"
    )
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        default=[640, 640],
        metavar=('HEIGHT', 'WIDTH'),
        help="size of the network's input in pixels",
    )
    parser.add_argument(
        '--people', nargs='+', type=int, default=[5, 20], metavar='N', help='people per image'
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='TABLE.md',
        help='also write the table here (default: not written)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    paths = {Path(path).stem: path for path in args.configs} or PAPER
    costs = {name: measure(build(path), tuple(args.shape)) for name, path in paths.items()}
    table = Table(title=f'{args.shape[0]}x{args.shape[1]} pixels')
    table.add_column('')
    for heading in headings(args.people):
        table.add_column(heading, justify='right')
    for name, cost in costs.items():
        table.add_row(name, *cells(cost, args.people))
    console = Console()
    console.width = max(console.width, 112)
    console.print(table)
    if args.out:
        write_text(args.out, markdown(costs, args.people))


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
