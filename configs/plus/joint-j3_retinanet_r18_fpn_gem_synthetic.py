# The toy J3 with a generalised mean, whose exponent is learned, instead of the mean.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

model = dict(reid_branch=dict(aggregation=dict(type='mmps.GeMPool')))
