# J3 on CUHK-SYSU with all changes that helped on drawn data; see README.md.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(
    reid_branch=dict(
        aggregation=dict(type='mmps.GeMPool'), head=dict(neck=dict(type='mmps.BNNeck'))
    )
)
cached_people = dict(mirror=True)
custom_hooks = [dict(type='EMAHook', momentum=2e-4, begin_epoch=92)]
