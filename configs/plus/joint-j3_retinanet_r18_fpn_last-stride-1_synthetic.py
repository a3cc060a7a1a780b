# The toy J3 whose C5* keeps the resolution of C4* (Luo et al.).
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

model = dict(reid_branch=dict(stages=dict(last_stride=1)))
