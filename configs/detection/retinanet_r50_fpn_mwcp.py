# Phase 1 alone: RetinaNet on MOT17Det, WIDER Pedestrian, CUHK-SYSU, PRW; test on CUHK-SYSU.
_base_ = [
    '../_base_/models/retinanet_r50_fpn.py',
    '../_base_/datasets/detection_mwcp.py',
    '../_base_/datasets/search_cuhk_sysu.py',
    '../_base_/schedules/detection_paper.py',
    '../_base_/default_runtime.py',
]
