# Chen et al. 2018, as far as known: both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu.py',
    '../_base_/schedules/joint_jdi.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.IdentitySoftmaxLoss',
    num_ids='auto',
    embedding_channels='auto',
    label_smoothing=0.1,
)
model = dict(
    reid_branch=dict(head=dict(normalize_for_loss=False, loss=_loss)),
)
