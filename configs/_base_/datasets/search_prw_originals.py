# As search_prw.py, with the original image beside the network's input: crops come from it.
_base_ = './search_prw.py'

_search_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmps'),
    dict(type='mmps.KeepOriginalImage'),
    dict(type='Resize', scale=(640, 640), keep_ratio=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmps.PackPersonSearchInputs'),
]
cached_people = dict(dataset=dict(pipeline=_search_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
