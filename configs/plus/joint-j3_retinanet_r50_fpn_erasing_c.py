# J3 on CUHK-SYSU with a random rectangle of half of the pooled maps set to zero.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(reid_branch=dict(augmentation=dict(type='mmps.RandomErasing')))
