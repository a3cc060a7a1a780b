# J2 (C1-C2 shared) with L = L_det + L_reid minimised directly, in one phase, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_retinanet_r50_fpn.py',
    '../_base_/datasets/detection_c.py',
    '../_base_/datasets/search_cuhk_sysu.py',
    '../_base_/schedules/detection_paper.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=2, detach=False)
train_dataloader = dict(dataset=dict(use_identities=True))
