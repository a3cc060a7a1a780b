# J3 on CUHK-SYSU with batch normalisation between the linear layer and unit length (Luo et al.).
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(reid_branch=dict(head=dict(neck=dict(type='mmps.BNNeck'))))
