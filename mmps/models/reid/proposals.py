"""Boxes that a detector of mmdet proposes while it trains, without gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor, nn

from mmps.structures import PERSON_LABEL


def propose(
    head: nn.Module, features: tuple[Tensor, ...], samples: Sequence[DetDataSample]
) -> list[Tensor]:
    """Predict people with a dense head as in a test.

    Args:
        head: Dense head, in any mode.
        features: That it is called with.
        samples: The batch.

    Returns:
        ``(N, 4)`` for each image, xyxy in pixels of the network's input.
    """
    with _as_in_a_test(head):
        found = head.predict(features, list(samples), rescale=False)
    return [get_box_tensor(p.bboxes[p.labels == PERSON_LABEL]).detach().float() for p in found]


def refine(
    roi_head: nn.Module,
    features: tuple[Tensor, ...],
    boxes: Sequence[Tensor],
    samples: Sequence[DetDataSample],
) -> list[Tensor]:
    """Move boxes as the box head of a two-stage detector does in a test.

    Args:
        roi_head: Head of mmdet's standard kind, in any mode.
        features: That the dense head is called with.
        boxes: ``(N, 4)`` of each image.
        samples: The batch.

    Returns:
        ``(N, 4)`` for each image.
    """
    rois = torch.cat([as_rois(own, index) for index, own in enumerate(boxes)])
    counts = [len(own) for own in boxes]
    with _as_in_a_test(roi_head):
        moves = roi_head._bbox_forward(features, rois)['bbox_pred'].split(counts)
    regress = roi_head.bbox_head.regress_by_class
    return [
        regress(own, own.new_full((len(own),), PERSON_LABEL).long(), move, sample.metainfo).float()
        for own, move, sample in zip(boxes, moves, samples, strict=True)
    ]


@contextmanager
def _as_in_a_test(head: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in head.modules()]
    head.eval()  # some heads decode otherwise in training, and statistics must not move
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def dense_head(detector: nn.Module) -> nn.Module | None:
    """Find the head that proposes boxes: the first of a two-stage detector, or the only one."""
    return getattr(detector, 'rpn_head', None) or getattr(detector, 'bbox_head', None)


def as_rois(boxes: Tensor, index: int) -> Tensor:
    """Put the number of their image before ``(N, 4)`` boxes."""
    return torch.cat([boxes.new_full((len(boxes), 1), index), boxes], dim=1)
