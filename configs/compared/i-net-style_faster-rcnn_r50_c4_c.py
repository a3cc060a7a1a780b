# I-Net (He et al. 2018), as far as known: both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu.py',
    '../_base_/schedules/joint_jdi.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.LossSum',
    losses=dict(
        olp=dict(
            type='mmps.OnlinePairingLoss',
            embedding_channels='auto',
            dictionary_size=512,
        ),
        hep=dict(
            type='mmps.HardExamplePriorityLoss',
            num_ids='auto',
            embedding_channels='auto',
            dictionary_size=512,
            pool_size=100,
            background=True,
        ),
    ),
)
model = dict(
    reid_branch=dict(head=dict(normalize_for_loss=False, loss=_loss)),
)
