# As search_cuhk_sysu.py, with the original image beside the network's input: crops come from it.
_base_ = './search_cuhk_sysu.py'

_search_pipeline = [
    dict(type='mmps.LoadScene'),
    dict(type='mmps.KeepOriginalImage'),
    dict(type='Resize', scale=(640, 640), keep_ratio=False),
    dict(type='mmps.LoadPeople'),
    dict(type='mmps.PackPersonSearchInputs'),
]
reid_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
