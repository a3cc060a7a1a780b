# JDI with OIM (Xiao et al. 2017): both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu.py',
    '../_base_/schedules/joint_jdi.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.OIMLoss',
    num_ids='auto',
    embedding_channels='auto',
    queue_size=5000,
    scale=10.0,
)
model = dict(
    shared_stages=(4, 3),  # C1 to conv4_3
    reid_branch=dict(head=dict(loss=_loss)),
)
