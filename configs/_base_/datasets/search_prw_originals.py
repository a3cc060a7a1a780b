# As search_prw.py, with the original image beside the network's input: crops come from it.
_base_ = './search_prw.py'

_search_pipeline = list(_base_._search_pipeline)
_search_pipeline.insert(1, dict(type='mmps.KeepOriginalImage'))  # right behind the loader
cached_people = val_dataloader = test_dataloader = dict(dataset=dict(pipeline=_search_pipeline))
