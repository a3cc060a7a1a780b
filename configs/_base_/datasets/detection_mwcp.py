# Phase 1 on MOT17Det + WIDER Pedestrian + CUHK-SYSU + PRW; identities are not used here.
# The paper: 640x640, no augmentation; aspect ratio not kept, as in SSD.
_training_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(640, 640), keep_ratio=False),
    dict(type='mmps.PackPersonSearchInputs'),
]
train_dataloader = dict(
    batch_size=10,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='mmps.PersonSearchDataset',
                data_root=f'data/{name}/',
                ann_file='mmps/train.json',
                filter_cfg=dict(filter_empty_gt=True),
                use_identities=False,
                pipeline=_training_pipeline,
            )
            for name in ('mot17_det', 'wider_pedestrian', 'cuhk_sysu', 'prw')
        ],
    ),
)
