# The toy J3 with half as many cells again in each direction; C5* ends at 6x3.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

model = dict(reid_branch=dict(pooling=dict(output_size=(24, 12))))
