"""Tiny models and packed inputs, for tests of mmps and of whatever is built on it."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor

from mmps.registry import MODELS
from mmps.structures.originals import ORIGINAL_IMAGE


def tiny_detector(**changes: Any) -> ConfigDict:
    """Return the config of a RetinaNet on a quarter-width ResNet-18 that runs in milliseconds.

    Args:
        **changes: Replacements of top-level entries.
    """
    config = {
        'type': 'RetinaNet',
        'data_preprocessor': {'type': 'DetDataPreprocessor', 'pad_size_divisor': 32},
        'backbone': {'type': 'ResNet', 'depth': 18, 'base_channels': 16, 'norm_eval': False},
        'neck': {
            'type': 'FPN',
            'in_channels': [16, 32, 64, 128],
            'out_channels': 16,
            'start_level': 1,
            'num_outs': 3,
        },
        'bbox_head': {
            'type': 'RetinaHead',
            'num_classes': 1,
            'in_channels': 16,
            'feat_channels': 16,
            'stacked_convs': 1,
            'anchor_generator': {
                'type': 'AnchorGenerator',
                'octave_base_scale': 2.5,
                'scales_per_octave': 3,
                'ratios': [2.6],
                'strides': [8, 16, 32],
            },
        },
        'train_cfg': {
            'assigner': {
                'type': 'MaxIoUAssigner',
                'pos_iou_thr': 0.5,
                'neg_iou_thr': 0.4,
                'min_pos_iou': 0,
                'ignore_iof_thr': -1,
            },
            'sampler': {'type': 'PseudoSampler'},
            'allowed_border': -1,
            'pos_weight': -1,
        },
        'test_cfg': {
            'nms_pre': 100,
            'min_bbox_size': 0,
            'score_thr': 0.0,
            'nms': {'type': 'nms', 'iou_threshold': 0.5},
            'max_per_img': 10,
        },
    }
    return ConfigDict({**config, **changes})


def tiny_searcher(shared_stages: int = 3, detector: dict | None = None, **changes: Any) -> Any:
    """Build a :class:`SharedBackboneDetector` with seeded weights.

    Args:
        shared_stages: 2, 3 or 4.
        detector: Config of a detector; by default :func:`tiny_detector`.
        **changes: Further arguments of the detector's class.
    """
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(
        {
            'type': 'mmps.SharedBackboneDetector',
            'detector': detector or tiny_detector(),
            'shared_stages': shared_stages,
            'reid_branch': {'head': {'embedding_channels': 8}},
            **changes,
        }
    )
    model.init_weights()
    return model


def people(boxes: list[list[float]], person_ids: list[int] | None = None) -> InstanceData:
    """Create the ``gt_instances`` of one image.

    Args:
        boxes: Boxes as xyxy.
        person_ids: Identity of each box; by default 0, 1, 2, ...
    """
    count = len(boxes)
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.zeros(count, dtype=torch.long),
        person_ids=torch.tensor(person_ids or list(range(count)), dtype=torch.long),
        ann_indices=torch.arange(count),
    )


def packed_batch(
    images: int = 2,
    boxes: list[list[float]] | None = None,
    size: tuple[int, int] = (96, 128),
    scale_factor: tuple[float, float] = (1.0, 1.0),
) -> tuple[Tensor, list[DetDataSample]]:
    """Create preprocessed images of noise and their samples, with ground truth and one query each.

    Each sample has an original image of noise too, for models that crop people from it.

    Args:
        images: Number of images.
        boxes: Boxes as xyxy of the people in each image.
        size: (height, width) of the network's input.
        scale_factor: (width, height) factors of the simulated resize.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(images, 3, *size, generator=generator)
    boxes = [[10, 10, 40, 90], [60, 20, 85, 80]] if boxes is None else boxes
    samples = []
    for index in range(images):
        sample = DetDataSample(
            metainfo={
                'img_id': index,
                'img_shape': size,
                'batch_input_shape': size,
                'pad_shape': size,
                'ori_shape': tuple(
                    int(s / f) for s, f in zip(size, scale_factor[::-1], strict=True)
                ),
                'scale_factor': scale_factor,
            }
        )
        sample.gt_instances = people(boxes)
        sample.gt_instances.image_bboxes = sample.gt_instances.bboxes
        sample.ignored_instances = people([])
        sample.query_instances = people(boxes[:1])
        shape = (3, *sample.ori_shape)
        original = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        sample.set_field(original, ORIGINAL_IMAGE)
        samples.append(sample)
    return inputs, samples
