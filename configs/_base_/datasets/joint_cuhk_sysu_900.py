# Detection and identities of CUHK-SYSU are learned at once. Images keep their shape; the shorter
# side has 900 pixels, and half of the training images are mirrored.
_base_ = './search_cuhk_sysu.py'

_resize = dict(type='Resize', scale=(1500, 900), keep_ratio=True)
_search_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    _resize,
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmps.PackPersonSearchInputs'),
]

train_dataloader = dict(
    batch_size=5,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmps.PersonSearchDataset',
        data_root='data/cuhk_sysu/',
        ann_file='mmps/train.json',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=[
            dict(type='LoadImageFromFile', _scope_='mmps'),
            dict(type='LoadAnnotations', with_bbox=True),
            _resize,
            dict(type='RandomFlip', prob=0.5),
            dict(type='mmps.PackPersonSearchInputs'),
        ],
    ),
)
cached_people = val_dataloader = test_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
