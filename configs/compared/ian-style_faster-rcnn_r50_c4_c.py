# IAN (Xiao et al. 2019), as far as known: both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu.py',
    '../_base_/schedules/joint_jdi.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.LossSum',
    losses=dict(
        softmax=dict(
            type='mmps.IdentitySoftmaxLoss',
            num_ids='auto',
            embedding_channels='auto',
            background=True,
        ),
        center=dict(type='mmps.CenterLoss', num_ids='auto', embedding_channels='auto'),
    ),
    weights=dict(center=0.01),
)
model = dict(
    reid_branch=dict(head=dict(normalize_for_loss=False, loss=_loss)),
)
