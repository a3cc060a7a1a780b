# J3 (C1-C3 shared) with ATSS: detection and re-ID on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_atss_r50_fpn.py',
    '../_base_/datasets/detection_c.py',
    '../_base_/datasets/search_cuhk_sysu.py',
    '../_base_/schedules/two_phase_paper.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=3)
