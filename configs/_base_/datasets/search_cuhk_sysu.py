# Phase 2 learns the identities of CUHK-SYSU; tests search in its test set.
_search_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    dict(type='Resize', scale=(640, 640), keep_ratio=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmps.PackPersonSearchInputs'),
]

cached_people = dict(
    batch_size=8,
    num_workers=4,
    dataset=dict(
        type='mmps.PersonSearchDataset',
        data_root='data/cuhk_sysu/',
        ann_file='mmps/train.json',
        pipeline=_search_pipeline,
    ),
)

val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmps.PersonSearchDataset',
        data_root='data/cuhk_sysu/',
        ann_file='mmps/test.json',
        test_mode=True,
        pipeline=_search_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='mmps.PersonSearchMetric',
    protocol=dict(type='mmps.CUHKSYSUProtocol', gallery_sizes=[100, 4000]),
)
test_evaluator = val_evaluator
