"""Person search from bare modules, one after the other: the measure of a wrapper's overhead."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from mmdet.models.backbones import ResNet
from mmdet.structures import DetDataSample
from torch import Tensor

from mmps.models.detectors import DisjointDetector
from mmps.models.detectors.person_search import PersonSearchDetector

BRANCH_PARTS = ('pooling', 'stages', 'embedding')
PARTS = ('trunk', 'FPN and head', 'NMS', *BRANCH_PARTS)


@torch.no_grad()
def predict_by_hand(
    model: PersonSearchDetector,
    inputs: Tensor,
    samples: list[DetDataSample],
    part: Callable[[str], AbstractContextManager] = lambda name: nullcontext(),
) -> list[Tensor]:
    """Detect and embed people by calling a model's parts directly.

    Args:
        model: Model whose modules run; its detector is single-stage, with a neck.
        inputs: ``(B, 3, H, W)`` normalised images.
        samples: Meta information of the images; original images if crops are cut from them.
        part: Opens a context around each of ``PARTS``, for timing.

    Returns:
        ``(N, D)`` embeddings of each image.
    """
    detector, branch = model.detector, model.reid_branch
    disjoint = isinstance(model, DisjointDetector)
    with part('trunk'), detector_precision(inputs):
        outputs = detector.backbone(inputs)
    with part('FPN and head'), detector_precision(inputs):
        maps = detector.bbox_head(detector.neck(outputs))
    with part('NMS'), detector_precision(inputs):
        metas = [sample.metainfo for sample in samples]
        found = detector.bbox_head.predict_by_feat(*maps, batch_img_metas=metas, rescale=disjoint)
    with part('pooling'):
        boxes = [instances.bboxes for instances in found]
        owner = [boxes[k].new_full((len(boxes[k]), 1), k) for k in range(len(boxes))]
        rois = torch.cat([torch.cat(owner), torch.cat(boxes)], dim=1)
        feature = model.source.run(inputs, samples) if disjoint else outputs[tapped(model)]
    embeddings = []
    for chunk in branch.split(rois):
        with part('pooling'):
            pooled = branch.pooling(feature, chunk)
        with part('stages'):
            maps = branch.stages(pooled)
        with part('embedding'):
            embeddings.append(branch.head(branch.aggregation(maps)))
    return list(torch.cat(embeddings).split([len(b) for b in boxes]))


def run_trunk(backbone: ResNet, inputs: Tensor, shared_stages: int) -> Tensor:
    """Run the shared stages of a ResNet.

    Args:
        backbone: Backbone with a plain or a deep stem.
        inputs: ``(B, 3, H, W)`` normalised images.
        shared_stages: The paper's J.

    Returns:
        ``(B, C, H / stride, W / stride)`` output of the last shared stage.
    """
    if backbone.deep_stem:
        maps = backbone.stem(inputs)
    else:
        maps = backbone.relu(backbone.norm1(backbone.conv1(inputs)))
    maps = backbone.maxpool(maps)
    for number in range(1, shared_stages):
        maps = getattr(backbone, f'layer{number}')(maps)
    return maps


def detector_precision(inputs: Tensor) -> AbstractContextManager:
    """Keep a detector on a CPU in single precision, as the models of mmps do."""
    return torch.autocast('cpu', enabled=False) if inputs.device.type == 'cpu' else nullcontext()


def tapped(model: PersonSearchDetector) -> int:
    """Return which of the backbone's outputs the branch pools."""
    return list(model.detector.backbone.out_indices).index(model.source.stage - 2)
