# The toy I-Net (He et al. 2018), as far as known: both losses at once, on a drawn data set.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]

_loss = dict(
    type='mmps.LossSum',
    losses=dict(
        olp=dict(
            type='mmps.OnlinePairingLoss',
            embedding_channels='auto',
            dictionary_size=64,
        ),
        hep=dict(
            type='mmps.HardExamplePriorityLoss',
            num_ids='auto',
            embedding_channels='auto',
            dictionary_size=64,
            pool_size=100,
            background=True,
        ),
    ),
)
model = dict(
    reid_branch=dict(head=dict(normalize_for_loss=False, loss=_loss)),
)
