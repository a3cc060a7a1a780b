# The toy Liu et al. 2018, as far as known: both losses at once, on a drawn data set.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]

_loss = dict(
    type='mmps.LossSum',
    losses=dict(
        oim=dict(
            type='mmps.OIMLoss',
            num_ids='auto',
            embedding_channels='auto',
            queue_size=60,
            scale=12.0,  # harder than OIM's 10 for identities,
            queue_scale=8.0,  # softer for people without one
        ),
        center=dict(type='mmps.CenterLoss', num_ids='auto', embedding_channels='auto'),
    ),
    weights=dict(center=0.01),
)
model = dict(
    reid_branch=dict(head=dict(loss=_loss)),
)
