# J2 (C1-C2 shared): detection on MOT17Det, WIDER Pedestrian, CUHK-SYSU, PRW; re-ID on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_retinanet_r50_fpn.py',
    '../_base_/datasets/detection_mwcp.py',
    '../_base_/datasets/search_cuhk_sysu.py',
    '../_base_/schedules/two_phase_paper.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=2)
