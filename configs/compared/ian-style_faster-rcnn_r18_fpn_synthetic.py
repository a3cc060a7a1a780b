# The toy IAN (Xiao et al. 2019), as far as known: both losses at once, on a drawn data set.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
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
