# The toy J4 (C1-C4 shared): detection and re-ID on a drawn data set.
_base_ = [
    '../_base_/models/joint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/two_phase_toy.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=4, reid_branch=dict(pooling=dict(output_size=(8, 4))))
