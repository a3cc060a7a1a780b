# The toy J3 (C1-C3 shared): detection and re-ID on a drawn data set.
_base_ = [
    '../_base_/models/joint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/two_phase_toy.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=3, reid_branch=dict(pooling=dict(output_size=(16, 8))))
