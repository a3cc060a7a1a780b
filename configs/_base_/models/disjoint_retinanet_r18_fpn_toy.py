# The toy Disj.: the toy RetinaNet, then a network like its backbone on 96x48 crops of its boxes.
_base_ = './retinanet_r18_fpn_toy.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.DisjointDetector',
    detector=_base_.model,
    backbone=dict(),  # as the detector's; mmdet's init_detector asks for the key
    reid_branch=dict(pooling=dict(output_size=(96, 48)), head=dict(embedding_channels=128)),
)
