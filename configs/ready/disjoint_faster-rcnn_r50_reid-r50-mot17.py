# Works without training: OpenMMLab's Faster R-CNN (COCO) and its re-ID network (MOT17).
_base_ = [
    '../_base_/models/disjoint_faster-rcnn_r50_fpn.py',
    '../_base_/datasets/search_cuhk_sysu_originals.py',
    '../_base_/default_runtime.py',
]

model = dict(
    reid=dict(
        type='mmps.PretrainedReID',
        file='https://download.openmmlab.com/mmtracking/mot/reid/reid_r50_6e_mot17-4bf6b63d.pth',
        size=(256, 128),  # height, width
        backbone=dict(type='ResNet', depth=50, norm_eval=True),
        hidden_channels=1024,
        out_channels=128,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        interpolation='bilinear',
    )
)

_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    dict(type='mmps.KeepOriginalImage'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmps.PackPersonSearchInputs'),
]
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=_pipeline))
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
