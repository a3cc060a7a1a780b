"""Detectors of mmdet without their choice of boxes: boxes and scores of every anchor.

A detector's own ``predict`` filters and suppresses, and the number of its boxes depends on the
image, which no fixed graph expresses. What follows it stands in :mod:`mmps.exported.choosing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmps.exported.manifest import Detector, Suppression
from mmps.structures import PERSON_LABEL, ConfigError

Level = tuple[Tensor, ...]
"""``(n, 4)`` boxes xyxy in pixels of the input, ``(n,)`` scores of people, perhaps factors."""


@dataclass(frozen=True)
class Adapter:
    """How a kind of detector is exported.

    Attributes:
        levels: Computes the levels of a pyramid from the detector's features.
        describe: Says how people are chosen among its boxes.
        pyramid: How many of the features a second stage pools.
    """

    levels: Callable[[nn.Module, tuple[Tensor, ...]], list[Level]]
    describe: Callable[[nn.Module, str], Detector]
    pyramid: Callable[[nn.Module], int] = lambda detector: 0


def adapter_of(detector: nn.Module) -> Adapter:
    """Find how a detector is exported.

    Args:
        detector: Of mmdet.

    Raises:
        ConfigError: It is of another kind than those that are known.
    """
    kind = type(detector).__name__
    if kind not in ADAPTERS:
        raise ConfigError(
            f'{kind} cannot be exported: only {", ".join(ADAPTERS)} can; search with PyTorch, or '
            'train one of these'
        )
    return ADAPTERS[kind]


def _flat(maps: Tensor, width: int) -> Tensor:
    """Put ``(1, A * width, h, w)`` maps into ``(h * w * A, width)`` rows."""
    return maps[0].permute(1, 2, 0).reshape(-1, width)


def _priors(head: nn.Module, maps: tuple[Tensor, ...], **options: Any) -> list[Tensor]:
    sizes = [tuple(level.shape[-2:]) for level in maps]
    return head.prior_generator.grid_priors(
        sizes, dtype=maps[0].dtype, device=maps[0].device, **options
    )


def _person(head: nn.Module, logits: Tensor) -> Tensor:
    scores = logits.sigmoid() if head.use_sigmoid_cls else logits.softmax(-1)
    return scores[:, PERSON_LABEL]


def _anchors(head: nn.Module, features: tuple[Tensor, ...]) -> list[Level]:
    classes, deltas, *centres = head(features)
    levels = []
    for number, prior in enumerate(_priors(head, classes)):
        boxes = head.bbox_coder.decode(prior, _flat(deltas[number], head.bbox_coder.encode_size))
        level = (boxes, _person(head, _flat(classes[number], head.cls_out_channels)))
        factors = [_flat(maps[number], 1)[:, 0].sigmoid() for maps in centres]
        levels.append((*level, *factors))
    return levels


def _dense(detector: nn.Module, features: tuple[Tensor, ...]) -> list[Level]:
    return _anchors(detector.bbox_head, features)


def _proposing(detector: nn.Module, features: tuple[Tensor, ...]) -> list[Level]:
    return _anchors(detector.rpn_head, features)


def _yolox(detector: nn.Module, features: tuple[Tensor, ...]) -> list[Level]:
    head = detector.bbox_head
    classes, deltas, objects = head(features)
    boxes, scores = [], []
    for number, prior in enumerate(_priors(head, classes, with_stride=True)):
        boxes.append(head._bbox_decode(prior, _flat(deltas[number], 4)))
        likely, label = _flat(classes[number], head.cls_out_channels).sigmoid().max(dim=1)
        score = likely * _flat(objects[number], 1)[:, 0].sigmoid()
        # A box is of its best class alone.
        scores.append(torch.where(label == PERSON_LABEL, score, torch.zeros_like(score)))
    return [(torch.cat(boxes), torch.cat(scores))]


def _suppression(config: Mapping[str, Any], coder: Any, per_level: int) -> Suppression:
    nms = config.get('nms') or {}
    others = {*nms} - {'type', 'iou_threshold', 'class_agnostic', 'split_thr'}
    if nms.get('type') != 'nms' or others:
        raise ConfigError(
            f'test_cfg.nms={dict(nms)} cannot be exported: only type="nms" with iou_threshold can'
        )
    return Suppression(
        min_score=float(config.get('score_thr', 0.0)),
        per_level=int(per_level),
        max_overlap=float(nms['iou_threshold']),
        count=int(config.get('max_per_img', -1)),
        min_size=float(config.get('min_bbox_size', -1)),
        clips=bool(getattr(coder, 'clip_border', False)),
    )


def _describe_dense(detector: nn.Module, file: str) -> Detector:
    head, config = detector.bbox_head, detector.test_cfg
    levels = len(head.prior_generator.strides)
    people = _suppression(config, head.bbox_coder, config.get('nms_pre', -1))
    return Detector(file, levels, type(detector).__name__ == 'FCOS', people)


def _describe_yolox(detector: nn.Module, file: str) -> Detector:
    # Its head neither looks at box sizes nor bounds the number of boxes, whatever the config says.
    config = {key: detector.test_cfg[key] for key in ('score_thr', 'nms')}
    return Detector(file, 1, False, _suppression(config, None, -1))


def _describe_stages(detector: nn.Module, file: str) -> Detector:
    roi_head, rpn = detector.roi_head, detector.rpn_head
    if type(roi_head).__name__ != 'StandardRoIHead' or roi_head.with_mask:
        raise ConfigError(f'{type(roi_head).__name__} cannot be exported: only StandardRoIHead can')
    extractor = roi_head.bbox_roi_extractor
    proposals = _suppression(rpn.test_cfg, rpn.bbox_coder, rpn.test_cfg.get('nms_pre', -1))
    people = _suppression(roi_head.test_cfg, roi_head.bbox_head.bbox_coder, -1)
    return Detector(
        file,
        levels=len(rpn.prior_generator.strides),
        factors=False,
        people=people,
        proposals=Suppression(**{**vars(proposals), 'min_score': -1.0}),
        box_file='boxes.onnx',
        strides=tuple(extractor.featmap_strides),
        finest=float(extractor.finest_scale),
    )


ADAPTERS = {
    'RetinaNet': Adapter(_dense, _describe_dense),
    'FCOS': Adapter(_dense, _describe_dense),
    'YOLOX': Adapter(_yolox, _describe_yolox),
    'FasterRCNN': Adapter(
        _proposing,
        _describe_stages,
        lambda detector: len(detector.roi_head.bbox_roi_extractor.featmap_strides),
    ),
}
"""By the class of the detector."""
