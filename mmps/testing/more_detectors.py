"""Tiny detectors of further families whose heads score classes, set up as in mmdet's configs.

All except YOLOX and RTMDet use the tiny ResNet of :mod:`mmps.testing.builders`.
"""

from __future__ import annotations

import copy
from typing import Any

from mmengine.config import ConfigDict

from .builders import tiny_detector
from .detectors import CODER, DENSE, DETECTORS, ENTROPY, FOCAL, STRIDES, tiny_faster_rcnn

QUALITY = {'type': 'QualityFocalLoss', 'use_sigmoid': True, 'beta': 2.0}
GIOU = {'type': 'GIoULoss'}
POINTS = {'type': 'AnchorGenerator', 'ratios': [1.0], 'octave_base_scale': 4,
          'scales_per_octave': 1, 'strides': STRIDES}  # fmt: skip
TRAINING = {'allowed_border': -1, 'pos_weight': -1}
SWISH = {'type': 'Swish'}
WIDE = 256
"""Width of queries where mmdet's code of positions knows no other."""
POSITIONS = {'num_feats': WIDE // 2, 'normalize': True}
SETS = {'num_classes': 1, 'loss_cls': {**FOCAL, 'loss_weight': 2.0},
        'loss_bbox': {'type': 'L1Loss'}, 'loss_iou': GIOU}  # fmt: skip


def with_classes(config: ConfigDict, count: int) -> ConfigDict:
    """Copy a detector's config with another number of classes, wherever it has one."""
    if isinstance(config, dict):
        made = {key: with_classes(value, count) for key, value in config.items()}
        return type(config)({**made, **({'num_classes': count} if 'num_classes' in made else {})})
    if isinstance(config, list | tuple):
        return type(config)(with_classes(value, count) for value in config)
    return copy.deepcopy(config)


def tiny_gfl() -> ConfigDict:
    """Config of a GFL: quality and class in one score."""
    head = {**DENSE, 'type': 'GFLHead', 'anchor_generator': POINTS, 'loss_cls': QUALITY,
            'loss_dfl': {'type': 'DistributionFocalLoss'}, 'reg_max': 4, 'loss_bbox': GIOU,
            'norm_cfg': {'type': 'GN', 'num_groups': 4}}  # fmt: skip
    assigner = {'type': 'ATSSAssigner', 'topk': 9}
    return tiny_detector(type='GFL', bbox_head=head, train_cfg={'assigner': assigner, **TRAINING})


def tiny_tood() -> ConfigDict:
    """Config of a TOOD: task-aligned."""
    head = {**DENSE, 'type': 'TOODHead', 'stacked_convs': 2, 'anchor_type': 'anchor_free',
            'anchor_generator': POINTS, 'bbox_coder': CODER, 'num_dcn': 0,
            'initial_loss_cls': {**FOCAL, 'activated': True},
            'loss_cls': {**QUALITY, 'activated': True}, 'loss_bbox': GIOU,
            'norm_cfg': {'type': 'GN', 'num_groups': 4}}  # fmt: skip
    train_cfg = {'initial_epoch': 4, 'initial_assigner': {'type': 'ATSSAssigner', 'topk': 9},
                 'assigner': {'type': 'TaskAlignedAssigner', 'topk': 13}, 'alpha': 1, 'beta': 6,
                 **TRAINING}  # fmt: skip
    return tiny_detector(type='TOOD', bbox_head=head, train_cfg=train_cfg)


def tiny_yolof() -> ConfigDict:
    """Config of a YOLOF: one level, five anchors a cell, implicit objectness."""
    head = {'type': 'YOLOFHead', 'num_classes': 1, 'in_channels': 32, 'reg_decoded_bbox': True,
            'anchor_generator': {'type': 'AnchorGenerator', 'ratios': [1.0],
                                 'scales': [1, 2, 4], 'strides': [32]},
            'bbox_coder': {**CODER, 'add_ctr_clamp': True, 'ctr_clamp': 32},
            'num_cls_convs': 1, 'num_reg_convs': 1,
            'loss_cls': FOCAL, 'loss_bbox': GIOU}  # fmt: skip
    neck = {'type': 'DilatedEncoder', 'in_channels': 128, 'out_channels': 32,
            'block_mid_channels': 8, 'num_residual_blocks': 1, 'block_dilations': [2]}  # fmt: skip
    assigner = {'type': 'UniformAssigner', 'pos_ignore_thr': 0.15, 'neg_ignore_thr': 0.7}
    return tiny_detector(
        type='YOLOF',
        backbone={**tiny_detector().backbone, 'out_indices': (3,)},
        neck=neck,
        bbox_head=head,
        train_cfg={'assigner': assigner, **TRAINING},
    )


def tiny_reppoints() -> ConfigDict:
    """Config of a RepPoints detector: deformable points instead of boxes."""
    head = {**DENSE, 'type': 'RepPointsHead', 'point_feat_channels': 16, 'num_points': 9,
            'gradient_mul': 0.1, 'point_strides': STRIDES, 'point_base_scale': 4,
            'loss_cls': FOCAL, 'loss_bbox_init': {'type': 'SmoothL1Loss', 'beta': 0.11},
            'loss_bbox_refine': {'type': 'SmoothL1Loss', 'beta': 0.11},
            'transform_method': 'moment'}  # fmt: skip
    init = {'assigner': {'type': 'PointAssigner', 'scale': 4, 'pos_num': 1}, **TRAINING}
    refine = {'assigner': tiny_detector().train_cfg.assigner, **TRAINING}
    return tiny_detector(
        type='RepPointsDetector', bbox_head=head, train_cfg={'init': init, 'refine': refine}
    )


def tiny_rtmdet() -> ConfigDict:
    """Config of an RTMDet on its own backbone."""
    norm = {'norm_cfg': {'type': 'BN'}, 'act_cfg': {'type': 'SiLU', 'inplace': True}}
    backbone = {'type': 'CSPNeXt', 'arch': 'P5', 'expand_ratio': 0.5, 'deepen_factor': 0.33,
                'widen_factor': 0.125, 'channel_attention': True, **norm}  # fmt: skip
    neck = {'type': 'CSPNeXtPAFPN', 'in_channels': [32, 64, 128], 'out_channels': 16,
            'num_csp_blocks': 1, 'expand_ratio': 0.5, **norm}  # fmt: skip
    head = {**DENSE, 'type': 'RTMDetSepBNHead', 'loss_cls': QUALITY, 'loss_bbox': GIOU,
            'anchor_generator': {'type': 'MlvlPointGenerator', 'offset': 0, 'strides': STRIDES},
            'bbox_coder': {'type': 'DistancePointBBoxCoder'}, 'with_objectness': False,
            'exp_on_reg': True, 'share_conv': True, 'pred_kernel_size': 1, **norm}  # fmt: skip
    assigner = {'type': 'DynamicSoftLabelAssigner', 'topk': 13}
    return tiny_detector(
        type='RTMDet',
        backbone=backbone,
        neck=neck,
        bbox_head=head,
        train_cfg={'assigner': assigner, **TRAINING},
    )


def tiny_yolox() -> ConfigDict:
    """Config of a YOLOX on its own backbone."""
    backbone = {'type': 'CSPDarknet', 'deepen_factor': 0.33, 'widen_factor': 0.125,
                'out_indices': (2, 3, 4), 'act_cfg': SWISH}  # fmt: skip
    neck = {'type': 'YOLOXPAFPN', 'in_channels': [32, 64, 128], 'out_channels': 16,
            'num_csp_blocks': 1, 'act_cfg': SWISH}  # fmt: skip
    head = {**DENSE, 'type': 'YOLOXHead', 'strides': STRIDES, 'act_cfg': SWISH}
    config = tiny_detector(
        type='YOLOX',
        backbone=backbone,
        neck=neck,
        bbox_head=head,
        train_cfg={'assigner': {'type': 'SimOTAAssigner', 'center_radius': 2.5}},
    )
    config.test_cfg.pop('nms_pre')
    return config


def tiny_ssd() -> ConfigDict:
    """Config of an SSD's head, four or six anchors a cell and softmax, on the tiny ResNet."""
    anchors = {'type': 'SSDAnchorGenerator', 'scale_major': False, 'min_sizes': [20, 40, 60],
               'max_sizes': [40, 60, 80], 'strides': STRIDES,
               'ratios': [[2], [2, 3], [2, 3]]}  # fmt: skip
    head = {'type': 'SSDHead', 'in_channels': (16, 16, 16), 'num_classes': 1,
            'anchor_generator': anchors, 'bbox_coder': CODER}  # fmt: skip
    train_cfg = {**tiny_detector().train_cfg, 'smoothl1_beta': 1.0, 'neg_pos_ratio': 3,
                 'debug': False}  # fmt: skip
    return tiny_detector(type='SingleStageDetector', bbox_head=head, train_cfg=train_cfg)


def tiny_cascade_rcnn() -> ConfigDict:
    """Config of a Cascade R-CNN: box heads in a row, each with boxes for any class."""
    config = tiny_faster_rcnn()
    roi_head, one = config.roi_head, config.train_cfg.rcnn
    boxes = [{**roi_head.bbox_head, 'reg_class_agnostic': True} for _ in range(2)]
    config.roi_head = {**roi_head, 'type': 'CascadeRoIHead', 'num_stages': 2,
                       'stage_loss_weights': [1, 0.5], 'bbox_head': boxes}  # fmt: skip
    config.train_cfg.rcnn = [one, one]
    return ConfigDict({**config, 'type': 'CascadeRCNN'})


def tiny_sparse_rcnn() -> ConfigDict:
    """Config of a Sparse R-CNN: learned proposals, sigmoid."""
    config = tiny_faster_rcnn()
    dynamic = {'type': 'DynamicConv', 'in_channels': 16, 'feat_channels': 8, 'out_channels': 16,
               'input_feat_shape': 7, 'norm_cfg': {'type': 'LN'}}  # fmt: skip
    box = {**SETS, 'type': 'DIIHead', 'num_ffn_fcs': 2, 'num_heads': 2, 'num_cls_fcs': 1,
           'num_reg_fcs': 1, 'feedforward_channels': 32, 'in_channels': 16, 'dropout': 0.0,
           'dynamic_conv_cfg': dynamic, 'bbox_coder': {**CODER, 'clip_border': False}}  # fmt: skip
    config.rpn_head = {'type': 'EmbeddingRPNHead', 'num_proposals': 10,
                       'proposal_feature_channel': 16}  # fmt: skip
    config.roi_head = {'type': 'SparseRoIHead', 'num_stages': 2, 'stage_loss_weights': [1, 1],
                       'proposal_feature_channel': 16, 'bbox_head': [box, box],
                       'bbox_roi_extractor': config.roi_head.bbox_roi_extractor}  # fmt: skip
    one = {'assigner': _hungarian('xyxy'), 'sampler': {'type': 'PseudoSampler'}, 'pos_weight': 1}
    config.train_cfg = {'rpn': None, 'rcnn': [one, one]}
    config.test_cfg = {'rpn': None, 'rcnn': {'max_per_img': 10}}
    return ConfigDict({**config, 'type': 'SparseRCNN'})


def tiny_detr() -> ConfigDict:
    """Config of a DETR: one class more for "no object", softmax."""
    attention = {'embed_dims': 16, 'num_heads': 2, 'dropout': 0.0, 'batch_first': True}
    network = {'embed_dims': 16, 'feedforward_channels': 32, 'num_fcs': 2, 'ffn_drop': 0.0}
    encoder = {'self_attn_cfg': attention, 'ffn_cfg': network}
    decoder = {**encoder, 'cross_attn_cfg': attention}
    entropy = {**ENTROPY, 'bg_cls_weight': 0.1, 'use_sigmoid': False, 'class_weight': 1.0}
    return _sets(
        type='DETR',
        num_queries=10,
        backbone={**tiny_detector().backbone, 'out_indices': (3,)},
        neck=_mapper([128]),
        encoder={'num_layers': 1, 'layer_cfg': encoder},
        decoder={'num_layers': 2, 'layer_cfg': decoder, 'return_intermediate': True},
        positional_encoding={'num_feats': 8, 'normalize': True},
        bbox_head={**SETS, 'type': 'DETRHead', 'embed_dims': 16, 'loss_cls': entropy},
    )


def tiny_deformable_detr(**changes: Any) -> ConfigDict:
    """Config of a Deformable DETR with refined boxes, in two stages."""
    deformable = {'embed_dims': WIDE, 'num_heads': 2, 'num_levels': 3, 'batch_first': True}
    attention = {'embed_dims': WIDE, 'num_heads': 2, 'dropout': 0.0, 'batch_first': True}
    network = {'embed_dims': WIDE, 'feedforward_channels': 32, 'ffn_drop': 0.0}
    encoder = {'self_attn_cfg': deformable, 'ffn_cfg': network}
    decoder = {'self_attn_cfg': attention, 'cross_attn_cfg': deformable, 'ffn_cfg': network}
    settings = {
        'type': 'DeformableDETR',
        'num_queries': 10,
        'num_feature_levels': 3,
        'with_box_refine': True,
        'as_two_stage': True,
        'backbone': {**tiny_detector().backbone, 'out_indices': (1, 2, 3)},
        'neck': _mapper([32, 64, 128], WIDE),
        'encoder': {'num_layers': 1, 'layer_cfg': encoder},
        'decoder': {'num_layers': 2, 'layer_cfg': decoder, 'return_intermediate': True,
                    'post_norm_cfg': None},
        'positional_encoding': {**POSITIONS, 'offset': -0.5},
        'bbox_head': {**SETS, 'type': 'DeformableDETRHead', 'embed_dims': WIDE},
    }  # fmt: skip
    return _sets(**{**settings, **changes})


def tiny_dino() -> ConfigDict:
    """Config of a DINO: noisy boxes of embedded classes beside the queries."""
    groups = {'dynamic': True, 'num_groups': None, 'num_dn_queries': 10}
    return tiny_deformable_detr(
        type='DINO',
        bbox_head={**SETS, 'type': 'DINOHead', 'embed_dims': WIDE},
        positional_encoding={**POSITIONS, 'offset': 0.0, 'temperature': 20},
        dn_cfg={'label_noise_scale': 0.5, 'box_noise_scale': 1.0, 'group_cfg': groups},
    )


MORE_DETECTORS = {
    **DETECTORS,
    'gfl': tiny_gfl,
    'tood': tiny_tood,
    'cascade-rcnn': tiny_cascade_rcnn,
    'sparse-rcnn': tiny_sparse_rcnn,
    'detr': tiny_detr,
    'dino': tiny_dino,
    'deformable-detr': tiny_deformable_detr,
    'yolof': tiny_yolof,
    'reppoints': tiny_reppoints,
    'rtmdet': tiny_rtmdet,
    'yolox': tiny_yolox,
    'ssd': tiny_ssd,
}
"""By the name that mmdet's configs use; those of :mod:`mmps.testing.detectors` among them."""


def _sets(**settings: Any) -> ConfigDict:
    """Config of a detector that predicts a set, without a step against double boxes."""
    return ConfigDict(
        data_preprocessor={'type': 'DetDataPreprocessor', 'pad_size_divisor': 1},
        train_cfg={'assigner': _hungarian('xywh')},
        test_cfg={'max_per_img': 10},
        **settings,
    )


def _hungarian(box_format: str) -> dict[str, Any]:
    costs = [
        {'type': 'FocalLossCost', 'weight': 2.0},
        {'type': 'BBoxL1Cost', 'weight': 5.0, 'box_format': box_format},
        {'type': 'IoUCost', 'iou_mode': 'giou', 'weight': 2.0},
    ]
    return {'type': 'HungarianAssigner', 'match_costs': costs}


def _mapper(channels: list[int], width: int = 16) -> dict[str, Any]:
    return {'type': 'ChannelMapper', 'in_channels': channels, 'kernel_size': 1,
            'out_channels': width, 'norm_cfg': {'type': 'GN', 'num_groups': 4},
            'num_outs': len(channels)}  # fmt: skip
