# Phase 1 alone: RetinaNet on PRW.
_base_ = [
    '../_base_/models/retinanet_r50_fpn.py',
    '../_base_/datasets/detection_p.py',
    '../_base_/datasets/search_prw.py',
    '../_base_/schedules/detection_paper.py',
    '../_base_/default_runtime.py',
]
