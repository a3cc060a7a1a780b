# NAE (Chen et al. 2020), norm-aware: both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu_900.py',
    '../_base_/schedules/joint_seqnet.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.OIMLoss',
    num_ids='auto',
    embedding_channels='auto',
    queue_size=5000,
)
model = dict(
    reid_branch=dict(head=dict(type='mmps.NormAwareReIDHead', loss=_loss)),
)
