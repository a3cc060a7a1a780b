# Works without training: YOLOX-Nano (COCO) finds people, an exported re-ID network compares them.
_base_ = [
    '../_base_/models/disjoint_yolox-nano.py',
    '../_base_/datasets/search_cuhk_sysu_originals.py',
    '../_base_/default_runtime.py',
]

model = dict(
    # Two boxes on one person are two hits: fewer stay than average precision asks for.
    detector=dict(test_cfg=dict(nms=dict(iou_threshold=0.5))),
    reid=dict(
        type='mmps.ExportedReID',
        file=None,  # yours, .onnx or .xml: --cfg-options model.reid.file=NETWORK.onnx
        size=(256, 128),  # height, width
        mean=[0.0, 0.0, 0.0],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        interpolation='bilinear',
    ),
)

_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    dict(type='mmps.KeepOriginalImage'),
    dict(type='Resize', scale=(416, 416), keep_ratio=True),
    dict(type='Pad', pad_to_square=True, pad_val=dict(img=(114.0, 114.0, 114.0))),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmps.PackPersonSearchInputs'),
]
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=_pipeline))

val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

load_from = None  # yours, a YOLOX-Nano of mmdet: --cfg-options load_from=DETECTOR.pth
