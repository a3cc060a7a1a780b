# Generalised mean with a learned exponent in place of the mean.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(reid_branch=dict(aggregation=dict(type='mmps.GeMPool')))
