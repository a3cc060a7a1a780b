# The toy J3 with batch normalisation between the linear layer and unit length (Luo et al.).
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

model = dict(reid_branch=dict(head=dict(neck=dict(type='mmps.BNNeck'))))
