# Phase 1 alone: RetinaNet on CUHK-SYSU.
_base_ = [
    '../_base_/models/retinanet_r50_fpn.py',
    '../_base_/datasets/detection_c.py',
    '../_base_/datasets/search_cuhk_sysu.py',
    '../_base_/schedules/detection_paper.py',
    '../_base_/default_runtime.py',
]
