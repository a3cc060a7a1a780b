"""Other kinds of detectors on the tiny backbone of :mod:`mmps.testing.builders`."""

from __future__ import annotations

from typing import Any

from mmengine.config import ConfigDict

from .builders import tiny_detector

FOCAL = {'type': 'FocalLoss', 'use_sigmoid': True, 'gamma': 2.0, 'alpha': 0.25}
ENTROPY = {'type': 'CrossEntropyLoss', 'use_sigmoid': True}
CODER = {'type': 'DeltaXYWHBBoxCoder', 'target_means': [0.0] * 4, 'target_stds': [0.1] * 4}
DENSE = {'num_classes': 1, 'in_channels': 16, 'feat_channels': 16, 'stacked_convs': 1}
GROUPS = {'type': 'GN', 'num_groups': 4}
STRIDES = [8, 16, 32]


def tiny_fcos() -> ConfigDict:
    """Config of an FCOS: dense, without anchors."""
    head = {
        **DENSE,
        'type': 'FCOSHead',
        'strides': STRIDES,
        'regress_ranges': ((-1, 64), (64, 128), (128, 1e8)),
        'norm_cfg': GROUPS,
        'loss_bbox': {'type': 'IoULoss'},
    }
    return tiny_detector(type='FCOS', bbox_head=head, train_cfg=None)


def tiny_atss() -> ConfigDict:
    """Config of an ATSS: dense, anchors assigned by statistics."""
    anchors = {
        'type': 'AnchorGenerator',
        'ratios': [1.0],
        'octave_base_scale': 4,
        'scales_per_octave': 1,
        'strides': STRIDES,
    }
    head = {
        **DENSE,
        'type': 'ATSSHead',
        'anchor_generator': anchors,
        'bbox_coder': CODER,
        'norm_cfg': GROUPS,
        'loss_cls': FOCAL,
        'loss_bbox': {'type': 'GIoULoss'},
        'loss_centerness': ENTROPY,
    }
    assigner = {'type': 'ATSSAssigner', 'topk': 9}
    return tiny_detector(
        type='ATSS',
        bbox_head=head,
        train_cfg={'assigner': assigner, 'allowed_border': -1, 'pos_weight': -1},
    )


def tiny_faster_rcnn() -> ConfigDict:
    """Config of a Faster R-CNN: two stages."""
    config = tiny_detector(
        type='FasterRCNN',
        rpn_head={
            'type': 'RPNHead',
            'in_channels': 16,
            'feat_channels': 16,
            'anchor_generator': {
                'type': 'AnchorGenerator',
                'scales': [4],
                'ratios': [2.6],
                'strides': STRIDES,
            },
            'bbox_coder': CODER,
            'loss_cls': ENTROPY,
            'loss_bbox': {'type': 'L1Loss'},
        },
        roi_head={
            'type': 'StandardRoIHead',
            'bbox_roi_extractor': {
                'type': 'SingleRoIExtractor',
                'roi_layer': {'type': 'RoIAlign', 'output_size': 7, 'sampling_ratio': 0},
                'out_channels': 16,
                'featmap_strides': STRIDES,
            },
            'bbox_head': {
                'type': 'Shared2FCBBoxHead',
                'in_channels': 16,
                'fc_out_channels': 32,
                'roi_feat_size': 7,
                'num_classes': 1,
                'bbox_coder': CODER,
                'loss_cls': {**ENTROPY, 'use_sigmoid': False},
                'loss_bbox': {'type': 'L1Loss'},
            },
        },
        train_cfg={
            'rpn': {**_training(0.7, 0.3, 64, add=False), 'allowed_border': -1},
            'rpn_proposal': _proposals(50),
            'rcnn': _training(0.5, 0.5, 32, add=True),
        },
        test_cfg={
            'rpn': _proposals(50),
            'rcnn': {
                'score_thr': 0.0,
                'nms': {'type': 'nms', 'iou_threshold': 0.5},
                'max_per_img': 10,
            },
        },
    )
    del config['bbox_head']
    return config


def tiny_faster_rcnn_c4() -> ConfigDict:
    """Config of a Faster R-CNN whose box head has the last stage of the backbone."""
    config = tiny_faster_rcnn()
    config.neck = None
    config.backbone = {
        'type': 'ResNet',
        'depth': 18,
        'num_stages': 3,
        'strides': (1, 2, 2),
        'dilations': (1, 1, 1),
        'out_indices': (2,),
        'norm_eval': True,
    }
    config.rpn_head.in_channels = 256
    config.rpn_head.anchor_generator.strides = [16]
    extractor = config.roi_head.bbox_roi_extractor
    extractor.update(out_channels=256, featmap_strides=[16])
    config.roi_head.shared_head = {'type': 'ResLayer', 'depth': 18, 'stage': 3}
    config.roi_head.bbox_head = {
        'type': 'BBoxHead',
        'with_avg_pool': True,
        'roi_feat_size': 4,
        'in_channels': 512,
        'num_classes': 1,
        'bbox_coder': CODER,
        'loss_cls': {**ENTROPY, 'use_sigmoid': False},
        'loss_bbox': {'type': 'L1Loss'},
    }
    return config


DETECTORS = {
    'retinanet': tiny_detector,
    'faster-rcnn': tiny_faster_rcnn,
    'fcos': tiny_fcos,
    'atss': tiny_atss,
}
"""By the name that configs use."""


def _training(positive: float, negative: float, samples: int, add: bool) -> dict[str, Any]:
    assigner = {
        'type': 'MaxIoUAssigner',
        'pos_iou_thr': positive,
        'neg_iou_thr': negative,
        'min_pos_iou': negative,
        'ignore_iof_thr': -1,
    }
    sampler = {
        'type': 'RandomSampler',
        'num': samples,
        'pos_fraction': 0.5,
        'add_gt_as_proposals': add,
    }
    return {'assigner': assigner, 'sampler': sampler, 'pos_weight': -1}


def _proposals(count: int) -> dict[str, Any]:
    return {
        'nms_pre': count,
        'max_per_img': count,
        'nms': {'type': 'nms', 'iou_threshold': 0.7},
        'min_bbox_size': 0,
    }
