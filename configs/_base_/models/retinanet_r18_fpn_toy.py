# Small enough for two CPU cores: half-width ResNet-18, three pyramid levels, from scratch.
model = dict(
    type='RetinaNet',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=32,
        norm_eval=False,
        frozen_stages=-1,
    ),
    neck=dict(
        type='FPN', in_channels=[32, 64, 128, 256], out_channels=64, start_level=1, num_outs=3
    ),
    bbox_head=dict(
        type='RetinaHead',
        num_classes=1,
        in_channels=64,
        feat_channels=64,
        stacked_convs=2,
        norm_cfg=dict(type='GN', num_groups=16),
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=2.5,
            scales_per_octave=3,
            ratios=[2.6],  # people are taller than wide
            strides=[8, 16, 32],
        ),
        loss_bbox=dict(type='SmoothL1Loss', beta=0.11),
    ),
    train_cfg=dict(
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.4,
            min_pos_iou=0,
            ignore_iof_thr=-1,
        ),
        sampler=dict(type='PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=100,
    ),
)
