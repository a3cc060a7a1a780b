#!/usr/bin/env python
"""Time batch-hard triplets, forward and backward, beside pytorch-metric-learning's.

Both losses run in turns, so that whatever else the machine does slows both; the ratio is that of
the medians. Needs the test extra: pip install pytorch-metric-learning

examples:
  python tools/analysis_tools/benchmark_losses.py
  python tools/analysis_tools/benchmark_losses.py --batch 512 --channels 2048 --device cuda
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import numpy as np
import torch
from torch import Tensor

from mmps.command_line import report_user_errors, teaching_parser
from mmps.models.losses import BatchHardTripletLoss
from mmps.structures import UserError

Loss = Callable[[Tensor, Tensor], Tensor]
SHOTS = 4


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--batch', type=int, default=128, help='people, four shots each')
    parser.add_argument('--channels', type=int, default=256, help='size of an embedding')
    parser.add_argument('--rounds', type=int, default=200, help='of both losses, in turn')
    parser.add_argument('--device', default='cpu', help='where losses are computed')
    return parser.parse_args()


def peer() -> Loss:
    """Set up the other library's loss with the same definition.

    Raises:
        UserError: It is not installed.
    """
    try:
        from pytorch_metric_learning import distances, losses, miners, reducers
    except ImportError as error:
        raise UserError(
            'pytorch-metric-learning is not installed: pip install pytorch-metric-learning'
        ) from error
    euclidean = distances.LpDistance(normalize_embeddings=False)
    mine = miners.BatchHardMiner(distance=euclidean)
    loss = losses.TripletMarginLoss(margin=0.3, distance=euclidean, reducer=reducers.MeanReducer())
    return lambda embeddings, ids: loss(embeddings, ids, mine(embeddings, ids))


def seconds(loss: Loss, embeddings: Tensor, ids: Tensor) -> float:
    """Time one forward and backward pass."""
    embeddings = embeddings.clone().requires_grad_()
    start = time.perf_counter()
    loss(embeddings, ids).backward()
    if embeddings.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def race(losses: Sequence[Loss], embeddings: Tensor, ids: Tensor, rounds: int) -> np.ndarray:
    """Time losses in turns.

    Returns:
        ``(rounds, number of losses)`` seconds, without a tenth of further rounds to warm up.
    """
    warm_up = max(rounds // 10, 1)
    times = [[seconds(loss, embeddings, ids) for loss in losses] for _ in range(rounds + warm_up)]
    return np.array(times[warm_up:])


def main() -> None:
    args = parse_args()
    if args.batch < 2 * SHOTS or args.channels < 1 or args.rounds < 1:
        raise UserError(f'--batch must be at least {2 * SHOTS}, --channels and --rounds at least 1')
    torch.manual_seed(0)
    embeddings = torch.randn(args.batch, args.channels, device=args.device)
    ids = torch.arange(args.batch, device=args.device) // SHOTS
    times = race([BatchHardTripletLoss(0.3), peer()], embeddings, ids, args.rounds)
    ours, theirs = 1e3 * np.median(times, axis=0)
    print(f'{args.batch} x {args.channels}, forward and backward, {args.rounds} rounds in turns')
    print(f'mmps                     {ours:7.3f} ms (median)')
    print(f'pytorch-metric-learning  {theirs:7.3f} ms (median)')
    print(f'ratio of medians         {theirs / ours:7.2f}')


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
