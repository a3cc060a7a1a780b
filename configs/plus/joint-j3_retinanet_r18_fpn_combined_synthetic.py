# The toy J3 with all changes that helped on drawn data; see README.md.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

model = dict(
    reid_branch=dict(
        aggregation=dict(type='mmps.GeMPool'), head=dict(neck=dict(type='mmps.BNNeck'))
    )
)
cached_people = dict(mirror=True)
custom_hooks = [dict(type='EMAHook', momentum=0.02, begin_epoch=14)]
