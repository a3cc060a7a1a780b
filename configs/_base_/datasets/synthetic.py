# Drawn by tools/misc/make_synthetic.py, converted by tools/dataset_converters/cuhk_sysu.py.
_search_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    dict(type='Resize', scale=(320, 256), keep_ratio=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmps.PackPersonSearchInputs'),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmps.PersonSearchDataset',
        data_root='data/synthetic/',
        ann_file='mmps/train.json',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=[
            dict(type='LoadImageFromFile', _scope_='mmps'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='Resize', scale=(320, 256), keep_ratio=False),
            dict(type='RandomFlip', prob=0.5),
            dict(type='mmps.PackPersonSearchInputs'),
        ],
    ),
)

# Phase 2: whose pooled features are cached.
cached_people = dict(
    batch_size=8,
    num_workers=1,
    mirror=True,
    dataset=dict(
        type='mmps.PersonSearchDataset',
        data_root='data/synthetic/',
        ann_file='mmps/train.json',
        pipeline=_search_pipeline,
    ),
)

val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmps.PersonSearchDataset',
        data_root='data/synthetic/',
        ann_file='mmps/test.json',
        test_mode=True,
        pipeline=_search_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='mmps.PersonSearchMetric',
    protocol=dict(type='mmps.CUHKSYSUProtocol', gallery_sizes=[100]),
)
test_evaluator = val_evaluator
