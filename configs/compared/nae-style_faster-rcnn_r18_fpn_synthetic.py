# The toy NAE (Chen et al. 2020), norm-aware: both losses at once, on a drawn data set.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]

_loss = dict(
    type='mmps.OIMLoss',
    num_ids='auto',
    embedding_channels='auto',
    queue_size=60,
)
model = dict(
    reid_branch=dict(head=dict(type='mmps.NormAwareReIDHead', loss=_loss)),
)
