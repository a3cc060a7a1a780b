# J3 on CUHK-SYSU with half as many cells again in each direction; C5* ends at 6x3.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(reid_branch=dict(pooling=dict(output_size=(24, 12))))
