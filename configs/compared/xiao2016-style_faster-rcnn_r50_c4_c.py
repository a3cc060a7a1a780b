# Xiao et al. 2016, as far as known: both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu.py',
    '../_base_/schedules/joint_jdi.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.RandomSamplingSoftmaxLoss',
    num_ids='auto',
    embedding_channels='auto',
    background=True,
    pool_size=100,
)
model = dict(
    shared_stages=(4, 3),  # C1 to conv4_3
    reid_branch=dict(head=dict(normalize_for_loss=False, loss=_loss)),
)
