# Phase 1 alone: the toy RetinaNet on a drawn data set.
_base_ = [
    '../_base_/models/retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]
