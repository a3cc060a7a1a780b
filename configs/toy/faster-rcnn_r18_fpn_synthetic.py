# Phase 1 alone: the toy Faster R-CNN on a drawn data set.
_base_ = [
    '../_base_/models/faster-rcnn_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]
