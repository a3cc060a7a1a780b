# Re-ID without a detector: ResNet-18 on crops of people, in one phase, on a drawn data set.
_base_ = ['../_base_/datasets/synthetic.py', '../_base_/default_runtime.py']

model = dict(
    type='mmps.CropReID',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(type='ResNet', depth=18, base_channels=32, norm_eval=False, frozen_stages=-1),
    crop_size=(64, 32),
    aggregation=dict(type='mmps.AveragePool'),
    head=dict(
        type='mmps.TripletReIDHead',
        embedding_channels=128,
        loss=dict(type='mmps.SemiHardTripletLoss', margin=0.2, distance='squared_euclidean'),
    ),
)

train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile', _scope_='mmps'),
            dict(type='mmps.KeepOriginalImage'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='Resize', scale=(32, 32)),  # unused: crops are cut from the originals
            dict(type='RandomFlip', prob=0.5),
            dict(type='mmps.PackPersonSearchInputs'),
        ],
    ),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=40)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None

default_hooks = dict(portable_checkpoint=dict(type='mmps.PortableCheckpointHook'))
