# J3 on CUHK-SYSU whose C5* keeps the resolution of C4* (Luo et al.).
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

model = dict(reid_branch=dict(stages=dict(last_stride=1)))
