# J3 on CUHK-SYSU with a generalised mean, whose exponent is learned, instead of the mean.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(reid_branch=dict(aggregation=dict(type='mmps.GeMPool')))
