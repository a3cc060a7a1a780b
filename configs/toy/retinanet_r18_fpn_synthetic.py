# Phase 1 alone: the bare mmdet detector of the toy family.
_base_ = [
    '../_base_/models/joint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
