# The toy J3 with a random rectangle of half of the pooled maps set to zero.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

model = dict(reid_branch=dict(augmentation=dict(type='mmps.RandomErasing')))
